// How much is logged: --log-level, or --verbose and --quiet as short names.
import { quote } from '@carillon/apns';

import { UsageError } from '../command-line/usage-error.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof logLevels)[number];

interface GivenLevel {
  readonly 'log-level'?: string | true;
  readonly verbose?: string | true;
  readonly quiet?: string | true;
}

/** Throws `UsageError`. */
export function levelOf(given: GivenLevel): LogLevel {
  const text = given['log-level'];
  if (given.verbose === true && given.quiet === true) throw new UsageError('--verbose and --quiet exclude each other');
  if (typeof text === 'string') {
    if (given.verbose === true) throw new UsageError('--verbose and --log-level exclude each other');
    const level = logLevels.find((known) => known === text);
    if (level === undefined)
      throw new UsageError(`--log-level ${quote(text)}; one of ${logLevels.join(', ')} is right`);
    return level;
  }
  if (given.verbose === true) return 'debug';
  return given.quiet === true ? 'warn' : 'info';
}
