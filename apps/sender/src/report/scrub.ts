// The last look at a text before it leaves the process: what has the shape of a secret is cut short. Nothing should ever
// have to be cut here; messages are made without secrets. It is the net below that.

// 32 hex digits and more: device tokens have 64 to 200, and parts of one are bad enough. UUIDs have dashes and stay.
const longHex = /[0-9a-f]{32,}/gi;
// A provider token, or another JWT: header.claims.signature.
const jwt = /eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]+)?/g;
// JSON has the newlines of a PEM as \n.
const pemKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/gs;

export function scrub(text: string): string {
  return text
    .replace(pemKey, '[private key]')
    .replace(jwt, '[provider token]')
    .replace(longHex, (hex) => `${hex.slice(0, 4)}…`);
}
