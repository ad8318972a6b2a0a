// The little of DER (X.690) that reading a certificate takes: definite lengths, one element after another. Reads inside
// the bounds it is given, never recurses, and answers null where the bytes do not fit.

/** One element: its tag octet and where its content lies. The next element begins at `end`. */
export interface DerElement {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

export const DerTag = {
  boolean: 0x01,
  integer: 0x02,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  /** [0] and [3], constructed: a certificate's version and its extensions (RFC 5280 §4.1). */
  context0: 0xa0,
  context3: 0xa3,
} as const;

/** The element that begins at `at` and ends by `end`; null when there is none or it reaches beyond. */
function readElement(bytes: Uint8Array, at: number, end: number): DerElement | null {
  if (at + 2 > end) return null;
  const tag = bytes[at];
  if ((tag & 0x1f) === 0x1f) return null; // tags of several octets do not occur in certificates
  const first = bytes[at + 1];
  let start = at + 2;
  let length = first;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    // 0 would be BER's indefinite length; more than 3 octets would be a certificate of 16 MiB.
    if (octets === 0 || octets > 3 || start + octets > end) return null;
    length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + bytes[start + i];
    start += octets;
  }
  return start + length > end ? null : { tag, start, end: start + length };
}

/** The elements between `start` and `end`; what is left over after the last whole one is ignored. */
export function readElements(bytes: Uint8Array, start: number, end: number): readonly DerElement[] {
  const elements: DerElement[] = [];
  for (let element = readElement(bytes, start, end); element !== null; element = readElement(bytes, element.end, end)) {
    elements.push(element);
  }
  return elements;
}

/** The elements inside `parent`, when it is there and has this tag; none otherwise. */
export function childrenOf(bytes: Uint8Array, parent: DerElement | undefined, tag: number): readonly DerElement[] {
  return parent?.tag === tag ? readElements(bytes, parent.start, parent.end) : [];
}

/** The content in hex, for comparing object identifiers. */
export function contentHex(bytes: Buffer, element: DerElement): string {
  return bytes.toString('hex', element.start, element.end);
}

/** The content as text. All string types that Apple uses are ASCII or UTF-8. */
export function contentText(bytes: Buffer, element: DerElement): string {
  return bytes.toString('utf8', element.start, element.end);
}
