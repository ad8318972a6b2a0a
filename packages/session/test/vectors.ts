// Third-party byte streams, found beside the project (conformance/README.md there). Absent: said aloud, never silently.
import { existsSync, readFileSync, readdirSync } from 'node:fs';

const folder = new URL('../../../../shared/conformance/', import.meta.url);

export interface ServerStream {
  readonly id: string;
  readonly requirement: string;
  readonly verify: readonly { readonly kind: string; readonly codes: readonly string[] }[];
  readonly bytes: Buffer;
}

/** What a hostile server sends to a client, and how that must react. Null when the vectors are absent. */
export function h2specdStreams(): ServerStream[] | null {
  const file = new URL('h2specd-streams/streams.json', folder);
  if (!existsSync(file)) return null;
  const streams = JSON.parse(readFileSync(file, 'utf8')) as (Omit<ServerStream, 'bytes'> & { serverBytes: string })[];
  return streams.map(({ id, requirement, verify, serverBytes }) => ({
    id,
    requirement,
    verify,
    bytes: Buffer.from(serverBytes, 'hex'),
  }));
}

/** Byte streams that once confused somebody's HTTP/2. Null when they are absent. */
export function h2Corpus(): { readonly id: string; readonly bytes: Buffer }[] | null {
  const corpus = new URL('h2-corpus/', folder);
  if (!existsSync(corpus)) return null;
  const files = readdirSync(corpus).filter((name) => name.endsWith('.jsonl'));
  return files.flatMap((name) =>
    readFileSync(new URL(name, corpus), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const { id, hex } = JSON.parse(line) as { id: string; hex: string };
        return { id, bytes: Buffer.from(hex, 'hex') };
      }),
  );
}
