// The configuration file: the options of `carillon send` and `carillon channels` as one JSON object, under the same names.
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { quote, quoteUnknown } from '@carillon/apns';

import { channelsOptions, sendOptions } from '../command-line/option-table.ts';
import type { ChannelsOption, Given, SendOption } from '../command-line/option-table.ts';
import { nearest } from '../command-line/suggestion.ts';
import { UsageError } from '../command-line/usage-error.ts';
import { reasonOf } from './reason-of.ts';

/** One file serves `send` and `channels`: each takes what it knows. */
type ConfigName = SendOption | ChannelsOption;

const options = { ...channelsOptions, ...sendOptions };
const namesInFile = (Object.keys(options) as ConfigName[]).filter((name) => options[name].isInConfig); // its own keys

/** Options whose value is a path; relative to the file that says them. */
const paths: ReadonlySet<ConfigName> = new Set([
  'ca',
  'key',
  'cert',
  'cert-key',
  'pfx',
  'passphrase-file',
  'receipts',
  'notification',
  'recipients',
]);

/** Throws `UsageError`. */
export async function readConfigFile(path: string): Promise<Given<ConfigName>> {
  if (/\.ya?ml$/i.test(path)) throw new UsageError(`${path}: configuration is read as JSON; YAML is not read yet`);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`the configuration cannot be read: ${reasonOf(error)}`, { cause: error });
  }
  return parseConfig(text, path);
}

/** `path` names the file in messages, and is what relative paths in it are relative to. */
export function parseConfig(text: string, path: string): Given<ConfigName> {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${path}: not JSON (${placeOf(error)})`, { cause: error });
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new UsageError(`${path}: ${quoteUnknown(config)}; an object is right: {"endpoint":"https://…"}`);
  }
  const given: Partial<Record<ConfigName, string | true>> = {};
  for (const [key, value] of Object.entries(config)) {
    const name = namesInFile.find((known) => known === key);
    if (name === undefined) throw new UsageError(unknownKey(path, key));
    const taken = takeValue(path, name, value);
    if (taken === null) continue;
    given[name] = paths.has(name) && taken !== true && taken !== '-' ? resolve(dirname(path), taken) : taken;
  }
  return given;
}

function takeValue(path: string, name: ConfigName, value: unknown): string | true | null {
  if (options[name].value === null) {
    if (typeof value === 'boolean') return value ? true : null;
    throw new UsageError(`${path}: ${name} is ${typeOf(value)}; true or false is right`);
  }
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'number') return String(value);
  throw new UsageError(`${path}: ${name} is ${typeOf(value)}; a text or a number is right`);
}

function unknownKey(path: string, key: string): string {
  const meant = nearest(key, namesInFile);
  const right = meant === null ? 'carillon help send lists the names' : `did you mean ${quote(meant)}?`;
  return `${path}: ${quote(key)} is not an option; ${right}`;
}

/** The type and no more: a value could be a secret in the wrong place. */
function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === '') return 'empty';
  return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
}

/** Where JSON.parse stopped, without the piece of text that it quotes: there may be a secret in it. */
function placeOf(error: unknown): string {
  const place = error instanceof SyntaxError ? /position \d+(?: \(line \d+ column \d+\))?/.exec(error.message) : null;
  return place === null ? 'it ends too early, or is not JSON at all' : `at ${place[0]}`;
}
