// HPACK integers (RFC 7541 §5.1): a prefix of N bits, then groups of seven bits, least significant first.

/** A prefix and five more octets hold every 32-bit number. Longer ones are refused, as §5.1 allows. */
export const integerBytesMax = 6;

/** `firstBits` are the bits above the prefix in the first octet. Values up to 2^32-1. */
export function encodeInteger(
  target: Buffer,
  at: number,
  prefixBits: number,
  firstBits: number,
  value: number,
): number {
  const prefixMax = (1 << prefixBits) - 1;
  if (value < prefixMax) {
    target[at] = firstBits | value;
    return at + 1;
  }
  target[at++] = firstBits | prefixMax;
  let rest = value - prefixMax;
  while (rest > 0x7f) {
    target[at++] = 0x80 | (rest & 0x7f);
    rest >>>= 7;
  }
  target[at] = rest;
  return at + 1;
}

/** Where `decodeInteger` leaves its result; one object serves many calls. */
export interface DecodedInteger {
  value: number;
  next: number;
}

export type IntegerFault = 'incomplete' | 'overflow';

export function decodeInteger(
  bytes: Buffer,
  at: number,
  end: number,
  prefixBits: number,
  result: DecodedInteger,
): IntegerFault | null {
  if (at >= end) return 'incomplete';
  const prefixMax = (1 << prefixBits) - 1;
  let value = bytes[at] & prefixMax;
  let next = at + 1;
  if (value === prefixMax) {
    // Multiplied, not shifted: the fifth group reaches past 32 bits, and must not come out negative.
    for (let weight = 1; ; weight *= 0x80) {
      if (next - at >= integerBytesMax) return 'overflow';
      if (next >= end) return 'incomplete';
      const octet = bytes[next++];
      value += (octet & 0x7f) * weight;
      if (octet < 0x80) break;
    }
  }
  result.value = value;
  result.next = next;
  return null;
}
