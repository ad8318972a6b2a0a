// Device tokens as reports may show them.

/** Six digits tell two tokens of a test apart and no device from another. */
const digitsShown = 6;

export function redacted(token: string): string {
  return token.length <= 2 * digitsShown ? '…' : `${token.slice(0, digitsShown)}… (${token.length} digits)`;
}
