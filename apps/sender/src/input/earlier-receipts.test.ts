import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { inputIdentity } from '../config/send-config.ts';
import { readEarlierReceipts } from './earlier-receipts.ts';
import type { EarlierReceipts } from './earlier-receipts.ts';

const line = (number: number, outcome = 'accepted', file = 'jobs.ndjson'): string =>
  `${JSON.stringify({ id: `job-${number}`, file, line: number, app: 'default', token: null, outcome })}\n`;

describe('The receipts of an earlier run', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'carillon-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const read = async (text: string | Buffer, inputs = ['jobs.ndjson']): Promise<EarlierReceipts> => {
    const path = join(folder, 'receipts.ndjson');
    await writeFile(path, text);
    const earlier = await readEarlierReceipts(path, inputs);
    if (earlier === null) throw new Error('the file was not found');
    return earlier;
  };

  it('are none when there is no file', async () => {
    expect(await readEarlierReceipts(join(folder, 'absent'), ['jobs.ndjson'])).toBeNull();
  });

  it('say which lines are settled and what became of them', async () => {
    const text = line(3) + line(1, 'rejected') + line(3) + line(7, 'abandoned');
    const earlier = await read(text);
    expect(earlier).toMatchObject({ lines: 3, accepted: 1, others: 0, tornBytes: 0, needsNewline: false });
    expect(earlier.wholeBytes).toBe(Buffer.byteLength(text));
    const settled = earlier.settled.get(inputIdentity('jobs.ndjson'));
    expect([1, 2, 3, 4, 7, 8].filter((one) => settled?.has(one))).toEqual([1, 3, 7]);
  });

  it('belong to a file, however its path is written, and to stdin', async () => {
    const { settled } = await read(line(1, 'accepted', './jobs.ndjson') + line(2, 'accepted', '-'), [
      'jobs.ndjson',
      '-',
    ]);
    expect(settled.get(inputIdentity('jobs.ndjson'))?.has(1)).toBe(true);
    expect(settled.get('-')?.has(2)).toBe(true);
  });

  it('of other inputs are counted and left alone', async () => {
    expect(await read(line(1) + line(1, 'accepted', 'other.ndjson'))).toMatchObject({ lines: 1, others: 1 });
  });

  it('of other inputs only are refused: everything would be sent again', async () => {
    await expect(read(line(1, 'accepted', 'other.ndjson'))).rejects.toThrow(/none of them for these inputs/);
  });

  it('may end in a torn one, which is cut off', async () => {
    const whole = line(1) + line(2);
    for (const torn of ['{', line(3).slice(0, -2), '\0\0\0\0']) {
      expect(await read(whole + torn)).toMatchObject({
        lines: 2,
        wholeBytes: whole.length,
        tornBytes: torn.length,
        needsNewline: false,
      });
    }
  });

  it('may end in one that lacks only its line feed, which counts', async () => {
    const text = line(1) + line(2).trimEnd();
    expect(await read(text)).toMatchObject({ lines: 2, wholeBytes: text.length, tornBytes: 0, needsNewline: true });
  });

  it.each([
    ['broken in the middle', '{"id":\n'],
    ['JSON, but no receipt', '{"hello":1}\n'],
    ['without a line number', '{"file":"jobs.ndjson","outcome":"accepted"}\n'],
    ['with a line below one', '{"file":"jobs.ndjson","line":0,"outcome":"accepted"}\n'],
  ])('that are %s are refused, with the line', async (_, bad) => {
    await expect(read(line(1) + bad + line(3))).rejects.toThrow(/receipts\.ndjson:2: not a receipt/);
  });

  it('that are not text at all end soon', async () => {
    await expect(read(Buffer.alloc(4_000_000, 0x7b))).rejects.toThrow(/:1: not a receipt/);
  });

  it('are read in any chunking: a file of many chunks', async () => {
    let text = '';
    for (let number = 1; number <= 20_000; number++) text += line(number);
    expect(await read(text)).toMatchObject({ lines: 20_000, wholeBytes: text.length });
  });
});
