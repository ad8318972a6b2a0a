// The static table (RFC 7541 Appendix A): as strings for the encoder, as bytes for the decoder.

/** Position in this list + 1 is the index. */
const fields: readonly (readonly [name: string, value: string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

/** Indexes 1 … 61 are static, 62 is the newest dynamic entry (RFC 7541 §2.3.3). */
export const staticCount = 61;

const nameIndexes = new Map<string, number>();
const fieldIndexes = new Map<string, number>();

/** The names in the order of the table; the same name may come several times. */
export const staticNames: readonly string[] = fields.map(([name]) => name);

/** All names and values in a row; bounds by index: name from start to nameEnd, value from nameEnd to end. */
export const staticBytes: Buffer = Buffer.from(fields.map(([name, value]) => name + value).join(''), 'latin1');
export const staticStarts: Int32Array = new Int32Array(staticCount + 1);
export const staticNameEnds: Int32Array = new Int32Array(staticCount + 1);
export const staticEnds: Int32Array = new Int32Array(staticCount + 1);
/** By index: the lowest index with the same name. */
export const staticNameIds: Int32Array = new Int32Array(staticCount + 1);

let start = 0;
for (const [position, [name, value]] of fields.entries()) {
  const index = position + 1;
  if (!nameIndexes.has(name)) nameIndexes.set(name, index);
  fieldIndexes.set(fieldKey(name, value), index);
  staticStarts[index] = start;
  staticNameEnds[index] = start + name.length;
  staticEnds[index] = start + name.length + value.length;
  staticNameIds[index] = staticNameIndex(name);
  start = staticEnds[index];
}

/** Lowest index with this name, or 0. */
export function staticNameIndex(name: string): number {
  return nameIndexes.get(name) ?? 0;
}

/** The index whose name and value these are, or 0. */
export function staticFieldIndex(name: string, value: string): number {
  return fieldIndexes.get(fieldKey(name, value)) ?? 0;
}

/** A name has no NUL, so that the key is unambiguous. */
function fieldKey(name: string, value: string): string {
  return `${name}\0${value}`;
}
