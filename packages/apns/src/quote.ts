// Untrusted text made fit for a message: short, and visible ASCII only, so that a value can neither flood a log nor
// forge a line of it.

/** Characters of a value shown in a message. Enough to recognise a topic or an id. */
const shownMax = 40;
/** A device token or secret shows this many characters and no more (design.md §6, invariant 8). */
const secretCharsMax = 4;

/** The value in double quotes, cut after `charsMax` characters, everything but visible ASCII and space escaped. */
export function quote(text: string, charsMax: number = shownMax): string {
  let shown = '';
  const end = Math.min(text.length, charsMax);
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i);
    const isPlain = code >= 0x20 && code <= 0x7e && code !== 0x22 && code !== 0x5c;
    shown += isPlain ? text.charAt(i) : `\\u${code.toString(16).padStart(4, '0')}`;
  }
  return text.length > charsMax ? `"${shown}…" (${text.length} characters)` : `"${shown}"`;
}

/** As `quote`, for device tokens and secrets. */
export function quoteSecret(text: string): string {
  return quote(text, secretCharsMax);
}

/** A value of any type in short. Objects show their type only: their text could be anything. */
export function quoteUnknown(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (value === null || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'undefined') {
    return String(value);
  }
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}
