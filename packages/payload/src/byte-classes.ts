// Tables over the 256 byte values. A loop over bytes asks a table one question a byte and nothing else.

/** 1 for the bytes at which a scan of a JSON string must stop and look: `"`, `\` and control characters (RFC 8259 §7). */
export const endsRun: Uint8Array = tableOf((byte) => byte < 0x20 || byte === 0x22 || byte === 0x5c);

/** 1 for white space within one line. A line feed is its end, and a table without it is all it takes to stop there. */
export const isLineSpace: Uint8Array = tableOf((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);

/** 1 for white space of JSON (RFC 8259 §2). */
export const isSpace: Uint8Array = tableOf((byte) => byte === 0x0a || isLineSpace[byte] === 1);

/** 1 for 0-9 a-f: the form of device tokens in the path. */
export const isLowerHex: Uint8Array = tableOf(
  (byte) => (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66),
);

/** 1 for [A-Za-z0-9._:-]: job ids (contract). */
export const isIdByte: Uint8Array = tableOf((byte) => /[A-Za-z0-9._:-]/.test(String.fromCharCode(byte)));

/** 1 for visible ASCII: collapse ids. */
export const isVisible: Uint8Array = tableOf((byte) => byte >= 0x21 && byte <= 0x7e);

/** The value of a hex digit, or -1. */
export const hexValue: Int8Array = Int8Array.from({ length: 256 }, (_, byte) =>
  /[0-9A-Fa-f]/.test(String.fromCharCode(byte)) ? parseInt(String.fromCharCode(byte), 16) : -1,
);

function tableOf(holds: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (holds(byte) ? 1 : 0));
}

/** True when the bytes from `start` are exactly `wanted`. */
export function equalAt(bytes: Uint8Array, start: number, end: number, wanted: Uint8Array): boolean {
  const length = wanted.length;
  if (end - start !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[start + i] !== wanted[i]) return false;
  return true;
}
