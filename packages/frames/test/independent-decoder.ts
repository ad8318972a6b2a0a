// Runs python3-hpack (Debian) over blocks of ours. Where it is not installed, our own decoder stands in and the reason
// is printed; in CI its absence is a failure.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HpackDecoder } from '@carillon/frames';
import { decodeBlock } from './recording-fields.ts';
import type { Field } from './recording-fields.ts';

export type Step = { readonly tableBytes: number } | { readonly block: Buffer };

/** One encoder's life: what it was told and what it wrote, in order. */
export type Conversation = readonly Step[];

export interface Decoded {
  /** Who decoded, for the printed line. */
  readonly by: string;
  /** By conversation, by block. */
  readonly lists: readonly (readonly (readonly Field[])[])[];
}

/** The system's interpreter first: Debian's module belongs to it, whatever else is on the path. */
const interpreters = ['/usr/bin/python3', 'python3'];

export function decodeIndependently(conversations: readonly Conversation[]): Decoded {
  const python = interpreters.find((path) => spawnSync(path, ['-c', 'import hpack']).status === 0);
  if (python !== undefined) return { by: 'python3-hpack', lists: runPython(python, conversations) };
  if (process.env['CI'] === 'true') throw new Error('python3-hpack is not installed: apt-get install python3-hpack');
  console.log('frames: python3-hpack is not installed, our own decoder reads what our encoder wrote');
  return { by: 'our own decoder', lists: conversations.map(decodeOurselves) };
}

export function decodeOurselves(conversation: Conversation): Field[][] {
  const decoder = new HpackDecoder({ headerListBytesMax: 1 << 20 });
  const lists: Field[][] = [];
  for (const step of conversation) {
    if ('tableBytes' in step) {
      decoder.setTableBytesMax(step.tableBytes);
      continue;
    }
    const { fault, fields } = decodeBlock(decoder, step.block);
    if (fault !== null) throw new Error(`${fault.kind}: ${fault.message}`);
    lists.push(fields);
  }
  return lists;
}

function runPython(python: string, conversations: readonly Conversation[]): Field[][][] {
  const script = fileURLToPath(new URL('decode_blocks.py', import.meta.url));
  const steps = conversations.map((conversation) =>
    conversation.map((step) => ('block' in step ? { block: step.block.toString('hex') } : step)),
  );
  const run = spawnSync(python, [script], { input: JSON.stringify(steps), maxBuffer: 1 << 28, encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`python3-hpack refused a block: ${run.stderr}`);
  // The script's own form, written above in its head.
  return JSON.parse(run.stdout) as Field[][][];
}
