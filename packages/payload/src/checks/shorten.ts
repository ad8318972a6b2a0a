// `truncate: true`: the text of an alert cut so that its payload fits. Cold: only what is too large comes here.
//
// The cut falls between two graphemes (what a person sees as one character: Unicode UAX #29) and between two escapes, and
// everything else keeps its bytes. No ellipsis is added: devices put one where they cut a long text to the few lines
// they show, and nothing is said that the sender did not write. The receipt says that the text was cut.

/** Made when the first text is shortened: loading the rules of Unicode takes a millisecond. */
let segmenter: Intl.Segmenter | null = null;

/**
 * The payload, `bytes` from `start` to `end`, with the text between `textStart` and `textEnd` (the inside of a JSON
 * string, scanned and right) made `excessBytes` shorter or a little more. Null when the text is not long enough.
 */
export function shortenText(
  bytes: Buffer,
  start: number,
  end: number,
  textStart: number,
  textEnd: number,
  excessBytes: number,
): Buffer | null {
  const limit = textEnd - excessBytes;
  if (limit < textStart) return null;
  const cut = graphemeStart(bytes, textStart, textEnd, limit);
  return Buffer.concat([bytes.subarray(start, cut), bytes.subarray(textEnd, end)]);
}

/** The last position up to `limit` at which a grapheme begins. */
function graphemeStart(bytes: Buffer, textStart: number, textEnd: number, limit: number): number {
  const { at, units, isPlain } = walk(bytes, textStart, limit, Infinity);
  // Between two characters of ASCII there is always a boundary, but for CR and LF, which are escapes here: most texts.
  if (isPlain && isPlainByte(bytes[at])) return at;
  segmenter ??= new Intl.Segmenter('und', { granularity: 'grapheme' });
  const text = JSON.parse(`"${bytes.toString('utf8', textStart, textEnd)}"`) as string; // a JSON string, quotes and all
  // The grapheme that the unit at the limit belongs to begins at it or before it.
  const first = segmenter.segment(text).containing(units)?.index ?? text.length;
  return walk(bytes, textStart, limit, first).at;
}

interface Place {
  readonly at: number;
  /** UTF-16 code units before it. */
  readonly units: number;
  /** The last of them is visible ASCII or a space, as it stands. */
  readonly isPlain: boolean;
}

/** As many whole characters as end at `limit` and have at most `unitsMax` code units together. */
function walk(bytes: Buffer, at: number, limit: number, unitsMax: number): Place {
  let units = 0;
  let last = 0;
  while (at < limit && units < unitsMax) {
    const byte = bytes[at];
    let size = 1;
    if (byte === 0x5c) size = bytes[at + 1] === 0x75 ? 6 : 2;
    else if (byte >= 0xf0) size = 4;
    else if (byte >= 0xe0) size = 3;
    else if (byte >= 0xc0) size = 2;
    if (at + size > limit) break;
    at += size;
    last = byte;
    // Four bytes of UTF-8 are two code units; each half of a pair that is escaped is one.
    units += size === 4 ? 2 : 1;
  }
  return { at, units, isPlain: isPlainByte(last) };
}

function isPlainByte(byte: number): boolean {
  return byte >= 0x20 && byte <= 0x7e && byte !== 0x5c;
}
