// The command: arguments in, exit code out. What each command does is in its own file.
import { readFileSync } from 'node:fs';

import { channels } from './channels.ts';
import { helpText } from './command-line/help-text.ts';
import { parseCommandLine } from './command-line/parse-command-line.ts';
import type { CommandLine } from './command-line/parse-command-line.ts';
import { UsageError } from './command-line/usage-error.ts';
import { channelsConfig } from './config/channels-config.ts';
import { readConfigFile } from './config/config-file.ts';
import { levelOf } from './config/log-level.ts';
import { sendConfig } from './config/send-config.ts';
import type { ExitCode } from './exit-code.ts';
import { openLog } from './report/log.ts';
import type { Log } from './report/log.ts';
import { scrub } from './report/scrub.ts';
import { send } from './send.ts';
import { simulate } from './simulate.ts';
import { simulateConfig } from './config/simulate-config.ts';

/** Runs one command to its end. Rejects only for a bug of ours. */
export async function runCarillon(args: readonly string[]): Promise<ExitCode> {
  try {
    return await run(parseCommandLine(args));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`carillon: ${scrub(error.message)}\n`);
    return 2;
  }
}

async function run(command: CommandLine): Promise<ExitCode> {
  switch (command.kind) {
    case 'help':
      process.stdout.write(helpText(command.command));
      return 0;
    case 'version':
      process.stdout.write(`${version()}\n`);
      return 0;
    case 'send': {
      const path = command.given.config;
      const fromFile = typeof path === 'string' ? await readConfigFile(path) : {};
      const config = sendConfig(command.files, command.given, fromFile, process.stdin.isTTY);
      return withLog(openLog(config.logLevel, process.stderr.isTTY), (log) => send(config, log));
    }
    case 'channels': {
      const path = command.given.config;
      const fromFile = typeof path === 'string' ? await readConfigFile(path) : {};
      const config = channelsConfig(command.words, command.given, fromFile);
      return withLog(openLog(config.logLevel, process.stderr.isTTY), (log) => channels(config, log));
    }
    case 'simulate': {
      const config = simulateConfig(command.given);
      return withLog(openLog(levelOf(command.given), process.stderr.isTTY), (log) => simulate(config, log));
    }
  }
}

/** Whatever the end, what was logged is out before it. */
async function withLog(log: Log, work: (log: Log) => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await work(log);
  } finally {
    log.flush();
  }
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version; // our own package.json
}
