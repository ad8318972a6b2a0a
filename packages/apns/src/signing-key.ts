// The .p8 file of an APNs authentication key: PEM, PKCS#8, EC P-256. Each way to get it wrong has a sentence of its own,
// because the person who reads it holds a file and does not know which. No message shows any part of the file.

import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { fault, type ApnsFault, type ApnsFaultCode } from './fault.ts';
import { Redacted } from './redacted.ts';

// Apple's files are about 257 bytes; a certificate chain given by mistake is still named as such below this.
const pemBytesMax = 65_536;
const begin = '-----BEGIN ';
const dashes = '-----';

/**
 * Bits of the window of noble's table of multiples of the base point, built at the first signature. Its default of 8
 * takes 65 ms of CPU and makes later signatures 1 ms; 4 takes 40 ms and 6 ms. We sign twice an hour.
 */
const tableWindowBits = 4;
let isWindowSet = false;

export class SigningKey extends Redacted {
  readonly #secretKey: Uint8Array;
  /** SHA-256 of the public key (SubjectPublicKeyInfo), hex: names the key without telling anything about it. */
  readonly fingerprint: string;
  /** For checking signatures. */
  readonly publicKey: KeyObject;

  constructor(secretKey: Uint8Array, publicKey: KeyObject) {
    super();
    this.#secretKey = secretKey;
    this.publicKey = publicKey;
    this.fingerprint = createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex');
  }

  /**
   * ES256 as JWS wants it: R and S, 32 octets each (RFC 7518 §3.4). Deterministic (RFC 6979), so that every process
   * with this key derives the same provider token. S is left as it comes: "low S" is a rule of blockchains, not of JWS.
   */
  sign(message: Uint8Array): Uint8Array {
    if (!isWindowSet) {
      // Only once: it drops the table that is there.
      isWindowSet = true;
      p256.Point.BASE.precompute(tableWindowBits);
    }
    return p256.sign(message, this.#secretKey, { prehash: true, lowS: false, extraEntropy: false, format: 'compact' });
  }

  protected override describe(): string {
    return `[SigningKey ${this.fingerprint.slice(0, 8)}]`;
  }
}

/** Reads the content of a .p8 file (not its path). */
export function parseSigningKey(content: string | Uint8Array): SigningKey | ApnsFault {
  const text = typeof content === 'string' ? content : Buffer.from(content).toString('latin1');
  if (text.length > pemBytesMax) return unreadable('is far too large for a key');
  const labels = pemLabels(text);
  if (!labels.includes('PRIVATE KEY')) return refuseWithout(text, labels);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: text.slice(text.indexOf(`${begin}PRIVATE KEY`)), format: 'pem' });
  } catch {
    // Node's own message names OpenSSL internals and could quote the input; the file is all there is to say.
    const hint = text.includes('\\n') ? ': its line breaks are written as "\\n", real ones are wanted' : '';
    return unreadable(`has the frame of a private key, but what it frames is damaged${hint}`);
  }
  if (key.asymmetricKeyType !== 'ec') {
    const type = (key.asymmetricKeyType ?? 'unknown').toUpperCase();
    return refuse('local.signing-key-not-p256', `is a key of type ${type}, not EC`);
  }
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve !== 'prime256v1') {
    return refuse('local.signing-key-not-p256', `is on the curve ${curve ?? 'given by parameters'}, not on P-256`);
  }
  const { d } = key.export({ format: 'jwk' });
  if (d === undefined) return unreadable('has no private part');
  return new SigningKey(Buffer.from(d, 'base64url'), createPublicKey(key));
}

/** What the file is, when it is no PKCS#8 private key. */
function refuseWithout(text: string, labels: readonly string[]): ApnsFault {
  if (labels.includes('ENCRYPTED PRIVATE KEY')) {
    return refuse('local.bad-signing-key', 'is encrypted; Apple hands it out without a passphrase');
  }
  if (labels.includes('EC PRIVATE KEY')) {
    return refuse(
      'local.bad-signing-key',
      'is an EC key in the older SEC 1 form; "openssl pkcs8 -topk8 -nocrypt" converts it',
    );
  }
  if (labels.includes('RSA PRIVATE KEY')) return refuse('local.signing-key-not-p256', 'is an RSA key, not EC');
  if (labels.includes('EC PARAMETERS')) {
    return refuse('local.bad-signing-key', 'holds curve parameters (EC PARAMETERS) and no key');
  }
  if (labels.some((label) => label.endsWith('CERTIFICATE'))) {
    return refuse(
      'local.signing-key-is-certificate',
      'is a certificate, not a key; certificates are configured as cert and key, or as pfx',
    );
  }
  if (labels.some((label) => label.endsWith('PUBLIC KEY'))) return refuse('local.bad-signing-key', 'is a public key');
  if (labels.length > 0) return refuse('local.bad-signing-key', 'is a PEM file of another kind');
  if (text.trim() === '') return unreadable('is empty');
  if (text.length < 1024 && /\.p8\s*$/i.test(text)) return unreadable('is the name of a file; its content is wanted');
  return unreadable('is not PEM');
}

/** The labels of a PEM text, in order (RFC 7468 §2). Linear. */
function pemLabels(text: string): string[] {
  const labels: string[] = [];
  for (let at = text.indexOf(begin); at >= 0; at = text.indexOf(begin, at + begin.length)) {
    const end = text.indexOf(dashes, at + begin.length);
    if (end < 0) break;
    labels.push(text.slice(at + begin.length, end));
  }
  return labels;
}

function unreadable(problem: string): ApnsFault {
  return refuse('local.signing-key-unreadable', problem);
}

function refuse(code: ApnsFaultCode, problem: string): ApnsFault {
  return fault(
    code,
    'key',
    `key ${problem}. Right is the content of the .p8 file of an APNs key: PEM, "BEGIN PRIVATE KEY", EC P-256`,
  );
}
