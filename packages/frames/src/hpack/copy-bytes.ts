// Copying a few octets: below this length a loop beats the call into Buffer.copy (measured, Node 24 on x86-64).

const loopBytesMax = 24;

/** Returns the position after. */
export function copyBytes(source: Buffer, start: number, end: number, target: Buffer, at: number): number {
  if (end - start > loopBytesMax) {
    source.copy(target, at, start, end);
    return at + end - start;
  }
  while (start < end) target[at++] = source[start++];
  return at;
}
