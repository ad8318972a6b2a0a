import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { isFault } from './fault.ts';
import { parseSigningKey, type SigningKey } from './signing-key.ts';

// The key of RFC 6979 §A.2.5 (P-256), wrapped in PKCS#8 as Apple's files are.
const rfcKey = {
  kty: 'EC',
  crv: 'P-256',
  d: Buffer.from('C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721', 'hex').toString('base64url'),
};
const rfcPem = [
  '-----BEGIN PRIVATE KEY-----',
  Buffer.from(
    `3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420${Buffer.from(rfcKey.d, 'base64url').toString('hex')}`,
    'hex',
  ).toString('base64'),
  '-----END PRIVATE KEY-----',
  '',
].join('\n');

function key(pem: string | Uint8Array): SigningKey {
  const parsed = parseSigningKey(pem);
  if (isFault(parsed)) throw new Error(parsed.message);
  return parsed;
}

function pkcs8(privateKey: KeyObject): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
const k256 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ed25519 = generateKeyPairSync('ed25519').privateKey;
const explicit = generateKeyPairSync('ec', { namedCurve: 'secp256k1', paramEncoding: 'explicit' }).privateKey;
const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';

describe('SigningKey', () => {
  it('signs as RFC 6979 §A.2.5 says for SHA-256 and "sample" and "test"', () => {
    const signature = (text: string): string =>
      Buffer.from(key(rfcPem).sign(Buffer.from(text)))
        .toString('hex')
        .toUpperCase();
    expect(signature('sample')).toBe(
      'EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716' +
        'F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8',
    );
    expect(signature('test')).toBe(
      'F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367' +
        '019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083',
    );
  });

  it('is named by a fingerprint of its public half, the same for the same key', () => {
    expect(key(pkcs8(p256)).fingerprint).toBe(key(Buffer.from(pkcs8(p256))).fingerprint);
    expect(key(pkcs8(p256)).fingerprint).not.toBe(key(rfcPem).fingerprint);
  });

  it('shows nothing of itself, however it is printed', () => {
    const printed = [
      inspect({ key: key(rfcPem) }, { depth: 9, showHidden: true }),
      JSON.stringify([key(rfcPem)]),
      String(key(rfcPem)),
    ];
    for (const text of printed) {
      expect(text).toContain('[SigningKey ');
      expect(text.toLowerCase()).not.toContain('c9afa9d8');
      expect(text).not.toContain(rfcKey.d.slice(0, 8));
    }
  });
});

describe('parseSigningKey', () => {
  it('finds the key among other blocks and lines', () => {
    const text = `Bag Attributes\n  friendlyName: x\n${parameters}${pkcs8(p256)}trailing`;
    expect(key(text).fingerprint).toBe(key(pkcs8(p256)).fingerprint);
    expect(key(pkcs8(p256).replaceAll('\n', '\r\n')).fingerprint).toBe(key(pkcs8(p256)).fingerprint);
  });

  it.each([
    ['an RSA key', pkcs8(rsa), 'local.signing-key-not-p256', /type RSA/],
    [
      'an RSA key of the old form',
      rsa.export({ type: 'pkcs1', format: 'pem' }) as string,
      'local.signing-key-not-p256',
      /RSA key/,
    ],
    ['a P-384 key', pkcs8(p384), 'local.signing-key-not-p256', /secp384r1/],
    ['a secp256k1 key', pkcs8(k256), 'local.signing-key-not-p256', /secp256k1/],
    ['a curve given by parameters', pkcs8(explicit), 'local.signing-key-not-p256', /not on P-256/],
    ['an Ed25519 key', pkcs8(ed25519), 'local.signing-key-not-p256', /type ED25519/],
    ['curve parameters alone', parameters, 'local.bad-signing-key', /EC PARAMETERS/],
    [
      'a SEC 1 key',
      parameters + (p256.export({ type: 'sec1', format: 'pem' }) as string),
      'local.bad-signing-key',
      /pkcs8 -topk8/,
    ],
    [
      'an encrypted key',
      p256.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }) as string,
      'local.bad-signing-key',
      /encrypted/,
    ],
    [
      'a public key',
      key(rfcPem).publicKey.export({ type: 'spki', format: 'pem' }) as string,
      'local.bad-signing-key',
      /public key/,
    ],
    [
      'a certificate',
      '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
      'local.signing-key-is-certificate',
      /certificate/,
    ],
    ['a certificate request', '-----BEGIN CERTIFICATE REQUEST-----\n', 'local.bad-signing-key', /another kind/],
    ['nothing', ' \n', 'local.signing-key-unreadable', /is empty/],
    ['a path', '/etc/keys/AuthKey_ABCDE12345.p8', 'local.signing-key-unreadable', /name of a file/],
    ['anything else', 'hunter2', 'local.signing-key-unreadable', /not PEM/],
    ['a damaged key', rfcPem.replace('MEE', 'MEF'), 'local.signing-key-unreadable', /damaged/],
    ['a cut key', rfcPem.slice(0, 60), 'local.signing-key-unreadable', /damaged/],
    ['written line breaks', rfcPem.replaceAll('\n', '\\n'), 'local.signing-key-unreadable', /line breaks/],
    ['a frame without end', '-----BEGIN PRIVATE KEY', 'local.signing-key-unreadable', /not PEM/],
    ['a huge file', '-----BEGIN '.repeat(10_000), 'local.signing-key-unreadable', /too large/],
  ] as const)('refuses %s with a sentence of its own', (_, text, code, message) => {
    const parsed = parseSigningKey(text);
    expect(parsed).toMatchObject({ kind: 'fault', code, field: 'key' });
    expect(isFault(parsed) && parsed.message).toMatch(message);
    expect(isFault(parsed) && parsed.message).not.toContain('hunter2');
  });

  it('shows no part of a key it refuses', () => {
    for (const pem of [pkcs8(rsa), pkcs8(p384), rfcPem.replace('MEE', 'MEF')]) {
      const parsed = parseSigningKey(pem);
      const body = pem.split('\n')[1];
      expect(isFault(parsed) && parsed.message).not.toContain(body.slice(0, 6));
    }
  });
});
