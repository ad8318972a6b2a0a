// DER (ITU-T X.690) values as Buffers: just what an X.509 certificate needs. Every function returns a complete TLV.

const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

export function derSequence(...items: readonly Buffer[]): Buffer {
  return encodeValue(Tag.sequence, Buffer.concat(items));
}

export function derSet(...items: readonly Buffer[]): Buffer {
  return encodeValue(Tag.set, Buffer.concat(items));
}

/** `[number] EXPLICIT` around complete values. */
export function derExplicit(number: number, ...items: readonly Buffer[]): Buffer {
  return encodeValue(0xa0 | number, Buffer.concat(items));
}

/** `[number] IMPLICIT` over a primitive value's content octets. */
export function derImplicit(number: number, content: Buffer): Buffer {
  return encodeValue(0x80 | number, content);
}

/** Unsigned, big endian: X.690 §8.3 wants a leading zero octet when the first bit is set, and no other one. */
export function derInteger(magnitude: Buffer | number): Buffer {
  let bytes = typeof magnitude === 'number' ? Buffer.from([magnitude]) : magnitude;
  while (bytes.length > 1 && bytes[0] === 0) bytes = bytes.subarray(1);
  return encodeValue(Tag.integer, bytes[0] & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

export function derBoolean(value: boolean): Buffer {
  return encodeValue(Tag.boolean, Buffer.from([value ? 0xff : 0]));
}

export function derNull(): Buffer {
  return encodeValue(Tag.null, Buffer.alloc(0));
}

export function derOctetString(content: Buffer): Buffer {
  return encodeValue(Tag.octetString, content);
}

export function derBitString(content: Buffer, unusedBits = 0): Buffer {
  return encodeValue(Tag.bitString, Buffer.concat([Buffer.from([unusedBits]), content]));
}

export function derUtf8String(text: string): Buffer {
  return encodeValue(Tag.utf8String, Buffer.from(text, 'utf8'));
}

/** Dotted form, for example '1.2.840.10045.4.3.2'. */
export function derObjectIdentifier(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split('.').map(Number);
  const octets: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift(0x80 | (left % 128));
    octets.push(...groups);
  }
  return encodeValue(Tag.objectIdentifier, Buffer.from(octets));
}

/** RFC 5280 §4.1.2.5: UTCTime until 2049, GeneralizedTime from 2050, both to the second and in UTC. */
export function derTime(at: Date): Buffer {
  const digits = at.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return at.getUTCFullYear() < 2050
    ? encodeValue(Tag.utcTime, Buffer.from(digits.slice(2), 'latin1'))
    : encodeValue(Tag.generalizedTime, Buffer.from(digits, 'latin1'));
}

function encodeValue(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), encodeLength(content.length), content]);
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const octets: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) octets.unshift(left % 256);
  return Buffer.from([0x80 | octets.length, ...octets]);
}
