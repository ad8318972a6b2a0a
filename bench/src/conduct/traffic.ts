/**
 * The jobs of the conduct bench, by number: which app each is for and what becomes of its device token. The gateway is told
 * the same, so that what a job must come to is known before it is sent.
 */
import type { ScriptedToken } from '@carillon/simulator';
import { payloadText } from '../load/traffic.ts';

/** 2 % dead, 1 % bad, 1 % throttled; and 0.1 % each go once more to a token that was dead or bad long before. */
export type JobKind = 'good' | 'dead' | 'bad' | 'throttled' | 'dead-again' | 'bad-again';

export const appNames = ['north/news', 'north/sports', 'south/news', 'south/sports', 'cert/news'] as const;

export interface Job {
  readonly kind: JobKind;
  /** Index in `appNames`. */
  readonly app: number;
  readonly token: string;
}

/** Good jobs are for so many devices in turn. */
const devices = 250_000;

/** Jobs that come again do so this much later, when every answer to the first is long there. */
function distance(jobs: number): number {
  return Math.ceil(jobs / 20 / 1_000) * 1_000;
}

export function jobAt(number: number, jobs: number): Job {
  const back = number - distance(jobs);
  const place = number % 1_000;
  // 510 and 733 are a dead and a bad job further up.
  if (place === 500 && back > 0) return { ...jobAt(back + 10, jobs), kind: 'dead-again' };
  if (place === 700 && back > 0) return { ...jobAt(back + 33, jobs), kind: 'bad-again' };
  const kind = kindAt(number);
  return { kind, app: Math.floor(number / 100) % appNames.length, token: tokenOf(kind, number) };
}

function kindAt(number: number): JobKind {
  if (number % 50 === 10) return 'dead';
  if (number % 100 === 33) return 'bad';
  return number % 100 === 66 ? 'throttled' : 'good';
}

const prefixes: Readonly<Record<JobKind, string>> = {
  good: '00',
  dead: 'de',
  bad: 'ba',
  throttled: '42',
  'dead-again': 'de',
  'bad-again': 'ba',
};

/** 64 digits. What kind it is can be read off; senders do not. */
function tokenOf(kind: JobKind, number: number): string {
  const device = kind === 'good' ? number % devices : number;
  return `${prefixes[kind]}${device.toString(16).padStart(8, '0').repeat(7)}cafe42`;
}

/** What the gateway says of a device token; those that are not here are good. */
export function scriptedTokens(jobs: number, retryAfterSeconds: number): Record<string, ScriptedToken> {
  const tokens: Record<string, ScriptedToken> = {};
  for (let number = 0; number < jobs; number++) {
    const { kind, token } = jobAt(number, jobs);
    if (kind === 'dead') tokens[token] = { kind: 'unregistered' };
    else if (kind === 'bad') tokens[token] = { kind: 'bad' };
    else if (kind === 'throttled')
      tokens[token] = { kind: 'throttled', retryAfter: String(retryAfterSeconds), times: 1 };
  }
  return tokens;
}

/** How many jobs must come to which outcome; without faults every device token is good. */
export function expectedOutcomes(jobs: number, hasFaults: boolean): Record<string, number> {
  const outcomes = { accepted: 0, unregistered: 0, rejected: 0 };
  for (let number = 0; number < jobs; number++) {
    const { kind } = jobAt(number, jobs);
    if (!hasFaults || kind === 'good' || kind === 'throttled') outcomes.accepted++;
    else if (kind === 'dead' || kind === 'dead-again') outcomes.unregistered++;
    else outcomes.rejected++;
  }
  return Object.fromEntries(Object.entries(outcomes).filter(([, count]) => count > 0));
}

const linesPerChunk = 170;

/** As lines, a chunk at a time. */
export function* ndjsonOf(jobs: number): Generator<Buffer> {
  for (let from = 0; from < jobs; from += linesPerChunk) {
    let text = '';
    for (let number = from; number < Math.min(jobs, from + linesPerChunk); number++) {
      const { app, token } = jobAt(number, jobs);
      text += `{"id":"job-${number}","app":"${appNames[app]}","token":"${token}","payload":${payloadText(number)}}\n`;
    }
    yield Buffer.from(text);
  }
}
