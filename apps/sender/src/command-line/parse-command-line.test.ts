import { describe, expect, it } from 'vitest';

import { helpText } from './help-text.ts';
import { channelsOptions, sendOptions, simulateOptions } from './option-table.ts';
import { parseCommandLine } from './parse-command-line.ts';
import { UsageError } from './usage-error.ts';

const refusal = (...args: string[]): string => {
  try {
    parseCommandLine(args);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'accepted';
};

describe('The command line', () => {
  it('is taken apart into command, options and files, in any order', () => {
    expect(parseCommandLine(['send', 'a.ndjson', '--rate', '100', '-', '--json', '--topic=com.example'])).toEqual({
      kind: 'send',
      files: ['a.ndjson', '-'],
      given: { rate: '100', json: true, topic: 'com.example' },
    });
    expect(parseCommandLine(['simulate', '--port', '0', '--profile=fast'])).toEqual({
      kind: 'simulate',
      given: { port: '0', profile: 'fast' },
    });
  });

  it('keeps the words of channels for later', () => {
    expect(parseCommandLine(['channels', 'delete', 'a+/b==', '--json', 'AAAA'])).toEqual({
      kind: 'channels',
      words: ['delete', 'a+/b==', 'AAAA'],
      given: { json: true },
    });
  });

  it('takes everything after -- for files', () => {
    expect(parseCommandLine(['send', '--', '--rate'])).toMatchObject({ files: ['--rate'], given: {} });
  });

  it.each([
    [['--help'], null],
    [['-h'], null],
    [['help'], null],
    [['help', 'send'], 'send'],
    [['help', 'simulate'], 'simulate'],
    [['help', 'channels'], 'channels'],
    [['channels', '--help'], 'channels'],
    [['channels', 'list', '-h'], 'channels'],
    [['send', '--help'], 'send'],
    [['send', 'x', '-h'], 'send'],
    [['simulate', '--help'], 'simulate'],
  ])('%j asks for help', (args, command) => {
    expect(parseCommandLine(args)).toEqual({ kind: 'help', command });
  });

  it('knows --version', () => {
    expect(parseCommandLine(['--version'])).toEqual({ kind: 'version' });
  });

  it.each([
    [[], /a command is missing/],
    [['sned'], /"sned" is not a command; did you mean send\?/],
    [['simulator'], /did you mean simulate\?/],
    [['xyz'], /carillon --help lists/],
    [['channel', 'list'], /did you mean channels\?/],
    [['channels', 'list', '--endpoint', 'x'], /not an option of carillon channels; did you mean --channels-endpoint\?/],
    [['channels', 'create', '--rate', '5'], /not an option of carillon channels/],
    [['help', 'sennd'], /did you mean send\?/],
    [['--topic', 'x', 'send'], /comes before the command/],
    [['send', '--keyId', 'X'], /"--keyId" is not an option of carillon send; did you mean --key-id\?/],
    [['send', '--recipts', 'x'], /did you mean --receipts\?/],
    [['send', '--passphrase', 'x'], /did you mean --passphrase-file\?/],
    [['send', '--zzzzzzzzz'], /carillon help send lists the options/],
    [['send', '-k', 'x'], /"-k" is not an option/],
    [['send', '--key'], /--key needs a value: --key FILE\.p8/],
    [['send', '--key='], /--key needs a value/],
    [['send', '--key', '--json'], /--key needs a value.*write --key=…/],
    [['send', '--json=yes'], /--json takes no value/],
    [['send', '--rate', '1', '--rate', '2'], /--rate is given twice/],
    [['simulate', 'file'], /takes options only/],
    [['send', '--constructor'], /"--constructor" is not an option/],
    [['send', '--__proto__', 'x'], /is not an option/],
  ])('%j is refused', (args, message) => {
    expect(refusal(...args)).toMatch(message);
  });

  it('never repeats a value that was given to an option', () => {
    for (const args of [
      ['--passphrase=hunter2'],
      ['--passphrase', 'hunter2'],
      ['--json=hunter2'],
      ['--key', '-hunter2'],
    ]) {
      expect(refusal('send', ...args)).not.toContain('hunter2');
    }
  });

  it('takes a single dash for a value: receipts to stdout', () => {
    expect(parseCommandLine(['send', '--receipts', '-'])).toMatchObject({ given: { receipts: '-' } });
  });
});

describe('The help', () => {
  it('names every option and every exit code', () => {
    for (const name of Object.keys(sendOptions)) expect(helpText('send')).toContain(`--${name}`);
    for (const name of Object.keys(channelsOptions)) expect(helpText('channels')).toContain(`--${name}`);
    for (const name of Object.keys(simulateOptions)) expect(helpText('simulate')).toContain(`--${name}`);
    for (const command of ['send', 'channels'] as const) {
      for (const code of ['0 ', '1 ', '2 ', '3 ', '130 ']) expect(helpText(command)).toContain(`\n  ${code}`);
    }
    expect(helpText(null)).toContain('carillon send');
  });

  it('fits a terminal of 120 columns', () => {
    for (const command of [null, 'send', 'channels', 'simulate'] as const) {
      for (const line of helpText(command).split('\n')) expect(line.length, line).toBeLessThanOrEqual(120);
    }
  });
});
