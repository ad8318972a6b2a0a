// GOAWAY as the owner sees it: Apple puts JSON, free text or nothing into the debug data (apns-protocol.md E.3).

export interface GoAwayNotice {
  /** Streams above it were surely not processed. 2^31 - 1 announces a graceful end: another GOAWAY follows. */
  readonly lastStreamId: number;
  readonly errorCode: number;
  /** `reason` of JSON debug data. */
  readonly reason: string | null;
  /** The debug data as text, control characters escaped, cut off at 256 characters. */
  readonly text: string;
}

const textCharsMax = 256;
/** Apple's JSON has about 40 octets; a longer text is not parsed, only quoted. */
const jsonBytesMax = 4_096;

export function readGoAway(
  lastStreamId: number,
  errorCode: number,
  bytes: Buffer,
  start: number,
  end: number,
): GoAwayNotice {
  const text = escapeControls(bytes.toString('utf8', start, Math.min(end, start + textCharsMax * 4)));
  return {
    lastStreamId,
    errorCode,
    reason: end - start <= jsonBytesMax ? parseReason(bytes.toString('utf8', start, end)) : null,
    text,
  };
}

function parseReason(text: string): string | null {
  if (!text.startsWith('{')) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Free text that happens to open with a brace: legal, and kept as `text`.
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null || !Object.hasOwn(parsed, 'reason')) return null;
  const { reason } = parsed as { reason: unknown };
  return typeof reason === 'string' ? escapeControls(reason) : null;
}

/** Safe for a log line: C0, DEL, C1, the two line separators and lone surrogates as \u escapes. */
function escapeControls(text: string): string {
  let safe = '';
  for (const char of text.slice(0, textCharsMax)) {
    const code = char.codePointAt(0) ?? 0;
    const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x20_28 || code === 0x20_29;
    const isLoneSurrogate = code >= 0xd8_00 && code < 0xe0_00;
    safe += isControl || isLoneSurrogate ? `\\u${code.toString(16).padStart(4, '0')}` : char;
  }
  return safe;
}
