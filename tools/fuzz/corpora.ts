// The third-party bytes that cases begin from, found beside the repository (../shared/conformance, whose README counts
// them). Where they are absent that is said, and the generators work alone.
import { existsSync, globSync, readFileSync } from 'node:fs';

const folder = new URL('../../../shared/conformance/', import.meta.url);

function hasCorpus(name: string): boolean {
  if (existsSync(new URL(name, folder))) return true;
  console.log(`fuzz: without the seeds of ${name}, for the folder of conformance vectors is absent`);
  return false;
}

function read(path: string): string {
  return readFileSync(new URL(path, folder), 'utf8');
}

function fromHex(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}

/** Streams of frames, of clients (with the preface) and servers. */
export function frameStreams(): Buffer[] {
  const streams: Buffer[] = [];
  if (hasCorpus('h2-corpus')) {
    for (const name of globSync('*.jsonl', { cwd: new URL('h2-corpus/', folder) }).sort()) {
      const lines = read(`h2-corpus/${name}`).split('\n');
      streams.push(
        ...lines.filter((line) => line !== '').map((line) => fromHex((JSON.parse(line) as { hex: string }).hex)),
      );
    }
  }
  if (hasCorpus('h2-frames')) {
    for (const name of ['hyperframe', 'hyperframe-negative', 'http2jp-frames']) {
      const vectors = JSON.parse(read(`h2-frames/${name}.json`)) as { wire: string }[];
      streams.push(...vectors.map(({ wire }) => fromHex(wire)));
    }
  }
  return [...streams, ...serverStreams()];
}

/** What hostile servers send to a client. */
function serverStreams(): Buffer[] {
  if (!hasCorpus('h2specd-streams')) return [];
  const streams = JSON.parse(read('h2specd-streams/streams.json')) as { serverBytes: string }[];
  return streams.map(({ serverBytes }) => fromHex(serverBytes));
}

/** Field blocks, each on its own. */
export function fieldBlocks(): Buffer[] {
  const blocks: Buffer[] = [];
  if (hasCorpus('hpack-stories')) {
    for (const path of globSync('*/*.json', { cwd: new URL('hpack-stories/', folder) }).sort()) {
      const { cases } = JSON.parse(read(`hpack-stories/${path}`)) as { cases: { wire?: string }[] };
      blocks.push(...cases.flatMap(({ wire }) => (wire === undefined ? [] : [fromHex(wire)])));
    }
  }
  if (hasCorpus('hpack-negative')) {
    const cases = JSON.parse(read('hpack-negative/cases.json')) as { blocks: string[] }[];
    blocks.push(...cases.flatMap((vector) => vector.blocks.map(fromHex)));
  }
  return blocks;
}
