/** The two batches of the probation bench: every device token differs, and of the dirty batch three in ten are refused. */

/** Lines in a chunk: 64 KiB of them. */
const linesPerChunk = 256;

export type Batch = 'clean' | 'dirty';

/** 64 lower-case hex digits, the same for the same batch and number. */
function tokenOf(batch: Batch, number: number): string {
  // splitmix32 of the number, eight times over: all that is asked of them is that they differ.
  let state = Math.imul(number + 1, 0x9e3779b1) ^ (batch === 'clean' ? 0x2545f491 : 0x6a09e667);
  let digits = number.toString(16).padStart(8, '0');
  for (let word = 1; word < 8; word++) {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    digits += ((mixed ^ (mixed >>> 16)) >>> 0).toString(16).padStart(8, '0');
  }
  return `${digits.slice(8)}${digits.slice(0, 8)}`;
}

/** Of ten pushes of the dirty batch, the third, the sixth and the ninth. */
function isRefused(number: number): boolean {
  return number % 10 === 2 || number % 10 === 5 || number % 10 === 8;
}

export function refusedTokens(pushes: number): string[] {
  const tokens: string[] = [];
  for (let number = 0; number < pushes; number++) if (isRefused(number)) tokens.push(tokenOf('dirty', number));
  return tokens;
}

/** NDJSON of the whole batch for an app, made as it is read. */
export function* linesOf(batch: Batch, app: string, pushes: number): Generator<Buffer> {
  for (let from = 0; from < pushes; from += linesPerChunk) {
    let lines = '';
    for (let number = from; number < Math.min(pushes, from + linesPerChunk); number++) {
      const token = tokenOf(batch, number);
      lines += `{"id":"${batch}-${number}","app":"${app}","token":"${token}","payload":{"aps":{"alert":"Goal in minute ${number}"}}}\n`;
    }
    yield Buffer.from(lines);
  }
}
