// What was given to `carillon simulate` → what it is to do.
import { quote } from '@carillon/apns';

import type { Given, SimulateOption } from '../command-line/option-table.ts';
import { UsageError } from '../command-line/usage-error.ts';

export interface SimulateConfig {
  /** 0: any free one. */
  readonly port: number;
  readonly channelsPort: number;
  readonly profile: 'fast' | 'strict';
  readonly stack: 'frames' | 'node';
  /** Null: the simulator's default. */
  readonly streamsMax: number | null;
  /** Null: it can do any work. */
  readonly load: { readonly atOnce: number; readonly serviceMs: number } | null;
  /** Paths; null: none. */
  readonly faults: string | null;
  readonly ledger: string | null;
  readonly reportJson: string | null;
  readonly reportSvg: string | null;
  readonly credentialsFolder: string | null;
  readonly hasReferee: boolean;
  readonly isJson: boolean;
  readonly isQuiet: boolean;
}

/** Throws `UsageError`. */
export function simulateConfig(given: Given<SimulateOption>): SimulateConfig {
  const [reportJson, reportSvg] = [path(given, 'report-json'), path(given, 'report-svg')];
  const hasReferee = given['no-referee'] !== true;
  if (!hasReferee && (reportJson ?? reportSvg) !== null) {
    throw new UsageError('--no-referee leaves nothing to report: --report-json and --report-svg do not go with it');
  }
  return {
    port: wholeNumber(given, 'port', 0, 65_535) ?? 0,
    channelsPort: wholeNumber(given, 'channels-port', 0, 65_535) ?? 0,
    profile: choice(given, 'profile', ['strict', 'fast']),
    stack: choice(given, 'stack', ['frames', 'node']),
    // RFC 9113 §6.5.2 would allow 2^32 - 1; more streams than a connection has ids make no sense.
    streamsMax: wholeNumber(given, 'streams', 1, 0x7fff_ffff),
    load: loadOf(given),
    faults: path(given, 'faults'),
    ledger: path(given, 'ledger'),
    reportJson,
    reportSvg,
    hasReferee,
    credentialsFolder: path(given, 'write-credentials'),
    isJson: given.json === true,
    isQuiet: given.quiet === true,
  };
}

function path(given: Given<SimulateOption>, name: SimulateOption): string | null {
  const value = given[name];
  return typeof value === 'string' ? value : null;
}

function loadOf(given: Given<SimulateOption>): SimulateConfig['load'] {
  const text = path(given, 'load');
  if (text === null) return null;
  const [, atOnce, serviceMs] = (/^([1-9]\d{0,6})\/(\d{1,6})$/.exec(text) ?? []).map(Number);
  if (atOnce === undefined || serviceMs === undefined) {
    throw new UsageError(`--load ${quote(text)}; requests at once and milliseconds for each, such as 400/50, is right`);
  }
  return { atOnce, serviceMs };
}

/** The first choice is the default. */
function choice<T extends string>(
  given: Given<SimulateOption>,
  name: SimulateOption,
  choices: readonly [T, ...T[]],
): T {
  const value = given[name];
  if (value === undefined) return choices[0];
  const chosen = choices.find((one) => one === value);
  if (chosen === undefined) throw new UsageError(`--${name} ${quote(String(value))}; ${choices.join(' or ')} is right`);
  return chosen;
}

function wholeNumber(given: Given<SimulateOption>, name: SimulateOption, least: number, most: number): number | null {
  const text = given[name];
  if (typeof text !== 'string') return null;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`--${name} ${quote(text)}; a whole number from ${least} to ${most} is right`);
}
