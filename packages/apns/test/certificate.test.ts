import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkCertificate,
  checkCertificateKey,
  expiryWarning,
  isFault,
  parseCertificate,
  type PushCertificate,
} from '../src/index.ts';
import { readElements } from '../src/der.ts';
import { der, makeCertificate, sequence, utf8 } from './make-certificate.ts';

const apple = '1.2.840.113635.100.6.3';
const dayMs = 86_400_000;
const validFrom = new Date('2026-01-01T00:00:00Z');
const validTo = new Date('2027-01-31T00:00:00Z');
const nowMs = Date.parse('2026-11-23T12:00:00Z');
const nothing = der(0x05); // NULL
const subject = [
  ['0.9.2342.19200300.100.1.1', 'com.example.app'],
  ['2.5.4.3', 'Apple Push Services: com.example.app'],
  ['2.5.4.11', 'TEAM123456'],
  ['2.5.4.6', 'US'],
] as const;
// The inner DER that Apple's certificates carry for com.example.app, byte for byte (protocol reference, C.4).
const topicList = Buffer.from(
  '30640c0f636f6d2e6578616d706c652e61707030050c036170700c14636f6d2e6578616d706c652e6170702e766f697030060c04766f69700c1c' +
    '636f6d2e6578616d706c652e6170702e636f6d706c69636174696f6e300e0c0c636f6d706c69636174696f6e',
  'hex',
);

const universal = makeCertificate({
  subject,
  extensions: [
    [`${apple}.1`, nothing],
    [`${apple}.2`, nothing],
    [`${apple}.6`, topicList],
  ],
  validFrom,
  validTo,
});
const sandboxOnly = makeCertificate({ subject, extensions: [[`${apple}.1`, nothing]], validFrom, validTo });
const plain = makeCertificate({ subject: [['2.5.4.3', 'client']], extensions: [], validFrom, validTo });

function read(content: string | Uint8Array): PushCertificate {
  const parsed = parseCertificate(content);
  if (isFault(parsed)) throw new Error(parsed.message);
  return parsed;
}

function codeOf(value: unknown): string | null {
  return isFault(value) ? value.code : null;
}

describe('parseCertificate', () => {
  it('reads subject, topics, environments and dates of a universal certificate', () => {
    expect(read(universal.pem)).toMatchObject({
      uid: 'com.example.app',
      commonName: 'Apple Push Services: com.example.app',
      teamId: 'TEAM123456',
      topics: [
        { topic: 'com.example.app', kind: 'app' },
        { topic: 'com.example.app.voip', kind: 'voip' },
        { topic: 'com.example.app.complication', kind: 'complication' },
      ],
      environments: ['production', 'sandbox'],
      validFromMs: validFrom.getTime(),
      validToMs: validTo.getTime(),
    });
  });

  it('agrees with X509Certificate, which parses the same bytes', () => {
    const { x509, fingerprint } = read(universal.der);
    expect(x509.subject).toContain('UID=com.example.app');
    expect(x509.verify(x509.publicKey)).toBe(true);
    expect(fingerprint).toBe(read(universal.pem).fingerprint);
  });

  it('takes the UID for the topic of a certificate that lists none', () => {
    expect(read(sandboxOnly.pem)).toMatchObject({
      topics: [{ topic: 'com.example.app', kind: '' }],
      environments: ['sandbox'],
    });
  });

  it('claims nothing for a certificate without extensions of Apple', () => {
    expect(read(plain.pem)).toMatchObject({ uid: null, teamId: null, topics: [], environments: [] });
  });

  it('reads VoIP topics, as a list or as one string', () => {
    const list = makeCertificate({
      subject,
      extensions: [[`${apple}.4`, sequence(utf8('com.example.app.voip'), sequence(utf8('voip')))]],
      validFrom,
      validTo,
    });
    const single = makeCertificate({
      subject,
      extensions: [[`${apple}.4`, utf8('com.example.app.voip')]],
      validFrom,
      validTo,
    });
    expect(read(list.pem).topics).toEqual([{ topic: 'com.example.app.voip', kind: 'voip' }]);
    expect(read(single.pem).topics).toEqual([{ topic: 'com.example.app.voip', kind: '' }]);
  });

  it('is not disturbed by a topic list of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.boolean(), (bytes, isFramed) => {
        const value = isFramed ? sequence(Buffer.from(bytes)) : Buffer.from(bytes);
        const made = makeCertificate({ subject, extensions: [[`${apple}.6`, value]], validFrom, validTo });
        expect(isFault(parseCertificate(made.der))).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['', /empty/],
    ['hello', /neither PEM nor DER/],
    [universal.pem.slice(0, 200), /damaged/],
    [universal.key.export({ type: 'pkcs8', format: 'pem' }) as string, /private key/],
    ['-----BEGIN CERTIFICATE REQUEST-----\nMII=\n-----END CERTIFICATE REQUEST-----\n', /request/],
    ['x'.repeat(300_000), /too large/],
  ])('refuses what is no certificate', (content, message) => {
    const parsed = parseCertificate(content);
    expect(parsed).toMatchObject({ kind: 'fault', code: 'local.bad-certificate', field: 'cert' });
    expect(isFault(parsed) ? parsed.message : '').toMatch(message);
  });
});

describe('checkCertificate', () => {
  it.each([
    [{ nowMs }, null],
    [{ nowMs, environment: 'sandbox', topic: 'com.example.app.voip' }, null],
    [{ nowMs: validFrom.getTime() - 1 }, 'local.certificate-not-valid'],
    [{ nowMs: validTo.getTime() + 1 }, 'local.certificate-not-valid'],
    [{ nowMs, topic: 'com.example.other' }, 'local.certificate-wrong-topic'],
  ] as const)('judges the universal one for %j as %s', (use, code) => {
    expect(codeOf(checkCertificate(read(universal.pem), use))).toBe(code);
  });

  it('refuses a sandbox certificate for production', () => {
    const refused = checkCertificate(read(sandboxOnly.pem), { nowMs, environment: 'production' });
    expect(refused).toMatchObject({ code: 'local.certificate-wrong-environment' });
    expect(refused?.message).toContain('is for sandbox, not for production');
  });

  it('holds nothing against a certificate that does not say', () => {
    expect(
      checkCertificate(read(plain.pem), { nowMs, environment: 'production', topic: 'com.example.app' }),
    ).toBeNull();
  });
});

describe('checkCertificateKey', () => {
  const certificate = read(universal.pem);
  const own = universal.key.export({ type: 'pkcs8', format: 'pem' }) as string;
  const locked = universal.key.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'open',
  }) as string;
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  }) as string;

  it.each([
    ['its own key', own, undefined, null],
    ['its own key, encrypted', locked, 'open', null],
    ['another key', other, undefined, 'local.certificate-key-mismatch'],
    ['a wrong passphrase', locked, 'wrong', 'local.bad-certificate'],
    ['no passphrase', locked, undefined, 'local.bad-certificate'],
    ['a certificate', universal.pem, undefined, 'local.bad-certificate'],
    ['a damaged key', own.replace('MIG', 'MIX'), undefined, 'local.bad-certificate'],
  ])('judges %s', (_, key, passphrase, code) => {
    const refused = checkCertificateKey(certificate, key, passphrase);
    expect(codeOf(refused)).toBe(code);
    expect(refused?.message ?? '').not.toContain('wrong');
  });
});

describe('expiryWarning', () => {
  it.each([
    [31, null],
    [30, 30],
    [8, 30],
    [7, 7],
    [1.5, 7],
    [1, 1],
    [0, 1],
    [-1, null],
  ])('with %d days left warns at %s', (days, warning) => {
    const leftMs = validTo.getTime() - days * dayMs;
    expect(expiryWarning(read(universal.pem), leftMs)).toBe(warning === null ? null : warning * dayMs);
  });
});

describe('readElements', () => {
  it('stays inside its bounds, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const elements = readElements(bytes, 0, bytes.length);
        expect(elements.every(({ start, end }) => start >= 2 && start <= end && end <= bytes.length)).toBe(true);
      }),
      { numRuns: 20_000 },
    );
  });
});
