/**
 * The pushes of every load bench: 10,000 device tokens and payloads of 282 octets, each payload different. The same for
 * every client, made from a fixed seed.
 */
export const tokenCount = 10_000;
export const payloadBytes = 282;

/** 64 lower-case hex digits each. */
export function deviceTokens(): string[] {
  const bytes = Buffer.alloc(tokenCount * 32);
  let state = 0x2545_f491;
  for (let at = 0; at < bytes.length; at++) {
    // xorshift32: all that is asked of it is that tokens differ.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state >>> 24;
  }
  const digits = bytes.toString('hex');
  return Array.from({ length: tokenCount }, (_, number) => digits.slice(number * 64, number * 64 + 64));
}

const title = 'Goal in the 9th minute';
const filler =
  'The equaliser came from a corner that nobody cleared, and the ground has not been this loud since the final of 1998';

/** As an object, for clients that want one; `payloadText` is its JSON. */
export function payloadOf(number: number): {
  aps: { alert: { title: string; body: string }; sound: string };
  match: string;
  article: string;
} {
  const article = String(number % tokenCount).padStart(4, '0');
  return {
    aps: { alert: { title, body: `${filler}. Read report ${article} now.` }, sound: 'default' },
    match: '8f14e45f-ceea-467a-9575-6f0c1b2d3e4f',
    article,
  };
}

export function payloadText(number: number): string {
  return JSON.stringify(payloadOf(number));
}

/** Lines with their line feeds, one a token, `perChunk` in a chunk; the first `count` of them. */
export function ndjsonChunks(count: number, perChunk: number): Buffer[] {
  const tokens = deviceTokens();
  const chunks: Buffer[] = [];
  for (let from = 0; from < count; from += perChunk) {
    const numbers = Array.from({ length: Math.min(perChunk, count - from) }, (_, at) => (from + at) % tokenCount);
    chunks.push(Buffer.from(numbers.map((number) => `${lineOf(number, tokens[number])}\n`).join('')));
  }
  return chunks;
}

/** A line of 381 octets. */
function lineOf(number: number, token: string): string {
  return `{"id":"${String(number).padStart(4, '0')}","token":"${token}","payload":${payloadText(number)}}`;
}
