// The arguments of the process → what is to be done. Strict: what is not understood is refused, with a suggestion.
// No value of an option is ever repeated in a message: it could be a secret that was typed in the wrong place.
import { parseArgs } from 'node:util';

import { quote } from '@carillon/apns';

import { channelsOptions, sendOptions, simulateOptions } from './option-table.ts';
import type { ChannelsOption, Given, OptionTable, SendOption, SimulateOption } from './option-table.ts';
import { nearest } from './suggestion.ts';
import { UsageError } from './usage-error.ts';

export type CommandName = 'send' | 'channels' | 'simulate';

export type CommandLine =
  | { readonly kind: 'help'; readonly command: CommandName | null }
  | { readonly kind: 'version' }
  | { readonly kind: 'send'; readonly files: readonly string[]; readonly given: Given<SendOption> }
  /** `words`: what is to be done, and to which channels. */
  | { readonly kind: 'channels'; readonly words: readonly string[]; readonly given: Given<ChannelsOption> }
  | { readonly kind: 'simulate'; readonly given: Given<SimulateOption> };

const commandNames: readonly string[] = ['send', 'channels', 'simulate', 'help'];

/** Throws `UsageError`. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const [command, ...rest] = args;
  switch (command) {
    case undefined:
      throw new UsageError('a command is missing; carillon --help lists them');
    case '--help':
    case '-h':
      return { kind: 'help', command: null };
    case 'help':
      return parseHelp(rest);
    case '--version':
    case '-V':
      return { kind: 'version' };
    case 'send': {
      const { given, positionals } = parseOptions('send', rest, sendOptions);
      if (given.help === true) return { kind: 'help', command: 'send' };
      return { kind: 'send', files: positionals, given };
    }
    case 'channels': {
      const { given, positionals } = parseOptions('channels', rest, channelsOptions);
      if (given.help === true) return { kind: 'help', command: 'channels' };
      return { kind: 'channels', words: positionals, given };
    }
    case 'simulate': {
      const { given, positionals } = parseOptions('simulate', rest, simulateOptions);
      if (given.help === true) return { kind: 'help', command: 'simulate' };
      if (positionals.length > 0) throw new UsageError(`simulate takes options only; ${quote(positionals[0])} is none`);
      return { kind: 'simulate', given };
    }
    default:
      throw new UsageError(unknownCommand(command));
  }
}

function parseHelp(rest: readonly string[]): CommandLine {
  const [about] = rest;
  if (about === undefined) return { kind: 'help', command: null };
  if (about === 'send' || about === 'channels' || about === 'simulate') return { kind: 'help', command: about };
  throw new UsageError(unknownCommand(about));
}

function unknownCommand(given: string): string {
  if (given.startsWith('-'))
    return `${quote(given)} comes before the command; carillon send ${given.split('=')[0]} … is right`;
  const meant = nearest(given, commandNames);
  const right = meant === null ? 'carillon --help lists the commands' : `did you mean ${meant}?`;
  return `${quote(given)} is not a command; ${right}`;
}

interface ParsedOptions<Name extends string> {
  readonly given: Given<Name>;
  readonly positionals: readonly string[];
}

function parseOptions<Name extends string>(
  command: CommandName,
  args: readonly string[],
  table: OptionTable<Name>,
): ParsedOptions<Name> {
  const specs = new Map(Object.entries(table) as [Name, OptionTable<Name>[Name]][]); // Object.entries forgets key types
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      [...specs].map(([name, spec]) => [name, { type: spec.value === null ? 'boolean' : 'string' } as const]),
    ),
    // Our own checks: they know what was meant and never repeat a value.
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given: Partial<Record<Name, string | true>> = {};
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const name = (token.rawName === '-h' ? 'help' : token.name) as Name; // looked up on the next line
    const spec = specs.get(name);
    if (spec === undefined || (!token.rawName.startsWith('--') && token.rawName !== '-h')) {
      throw new UsageError(unknownOption(command, token.rawName, specs.keys()));
    }
    if (Object.hasOwn(given, name)) throw new UsageError(`--${name} is given twice`);
    given[name] = spec.value === null ? switched(name, token.value) : textOf(name, spec.value, token);
  }
  return { given, positionals };
}

function switched(name: string, value: string | undefined): true {
  if (value === undefined) return true;
  throw new UsageError(`--${name} takes no value`);
}

function textOf(
  name: string,
  placeholder: string,
  token: { readonly value?: string | undefined; readonly inlineValue?: boolean | undefined },
): string {
  const { value } = token;
  // "--key --json": the value was forgotten. "-" alone is stdin or stdout.
  const isForgotten = value === undefined || value === '' || (token.inlineValue !== true && /^-./.test(value));
  if (!isForgotten) return value;
  const hint = value === undefined || value === '' ? '' : `; if it begins with a dash, write --${name}=…`;
  throw new UsageError(`--${name} needs a value: --${name} ${placeholder}${hint}`);
}

function unknownOption(command: CommandName, rawName: string, names: Iterable<string>): string {
  const meant = nearest(rawName.replace(/^-+/, ''), names);
  const right = meant === null ? `carillon help ${command} lists the options` : `did you mean --${meant}?`;
  return `${quote(rawName)} is not an option of carillon ${command}; ${right}`;
}
