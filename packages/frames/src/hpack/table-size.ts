// How a dynamic table is measured, on both sides (RFC 7541 §4.1).

/** What an entry counts besides its octets. RFC 9113 §6.5.2 counts a header list the same way. */
export const entryOverheadBytes = 32;

/** RFC 9113 §6.5.2: what both sides assume before any SETTINGS. */
export const tableBytesDefault = 4096;

export function entryBytes(name: string, value: string): number {
  return name.length + value.length + entryOverheadBytes;
}
