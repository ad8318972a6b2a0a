import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { createEngine, EngineConfigError } from '@carillon/engine';
import type { AppOptions, CredentialOptions, EngineOptions } from '@carillon/engine';
import { createCertificateAuthority, createIdentity } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';
import { exportPkcs12, nonsense, rsaIdentity } from './openssl.ts';

const identity = createIdentity();
const authority = createCertificateAuthority();
const { keyPem: key, keyId, teamId } = identity;
const token: CredentialOptions = { kind: 'token', key, keyId, teamId };
const good: AppOptions = { topic: 'com.example.app', credential: token };
const dayMs = 86_400_000;

function faultOf(options: unknown): { field: string; message: string } {
  try {
    createEngine(options as EngineOptions); // as a caller without a compiler would
  } catch (error) {
    if (!(error instanceof EngineConfigError)) throw error;
    expect(error.code).toBe('ERR_ENGINE_CONFIG');
    // A message never contains a secret.
    expect(error.message).not.toContain(key.slice(40, 80));
    return { field: error.field, message: error.message };
  }
  throw new Error('the options were taken');
}

function faultOfApp(changes: object): { field: string; message: string } {
  return faultOf({ apps: { news: { ...good, ...changes } } });
}

function pushCertificate(changes: object = {}): { cert: string; key: string } {
  const issued = authority.issuePush({ bundleId: 'com.example.app', teamId: 'TEAM123456', ...changes });
  return { cert: issued.certificatePem, key: issued.keyPem };
}

function faultOfCertificate(credential: object): { field: string; message: string } {
  return faultOfApp({ credential: { kind: 'certificate', ...credential } });
}

describe('createEngine with a configuration that makes no sense', () => {
  it.each([
    ['no apps', {}, 'apps', /missing/],
    ['apps that are a list', { apps: [] }, 'apps', /no object/],
    ['no app', { apps: {} }, 'apps', /at least one/],
    ['an app that is nothing', { apps: { news: null } }, 'apps.news', /no object/],
    ['no topic', { apps: { news: { credential: token } } }, 'apps.news.topic', /missing/],
    ['no credential', { apps: { news: { topic: 'a' } } }, 'apps.news.credential', /missing/],
  ])('names the field of %s', (_name, options, field, message) => {
    expect(faultOf(options)).toEqual({ field, message: expect.stringMatching(message) });
  });

  it.each([
    [{ topic: '' }, 'apps.news.topic'],
    [{ topic: 'com.example\r\nx: y' }, 'apps.news.topic'],
    [{ environment: 'staging' }, 'apps.news.environment'],
    [{ endpoint: 'http://127.0.0.1:1' }, 'apps.news.endpoint'],
    [{ endpoint: 'https://user:pw@example.com' }, 'apps.news.endpoint'],
    [{ endpoint: '127.0.0.1:8443' }, 'apps.news.endpoint'],
    [{ weight: 0 }, 'apps.news.weight'],
    [{ ratePerSecond: -5 }, 'apps.news.ratePerSecond'],
    [{ ca: 'no certificate' }, 'apps.news.ca'],
    [{ credential: { kind: 'password' } }, 'apps.news.credential.kind'],
    [{ credential: { kind: 'signer', keyId, teamId } }, 'apps.news.credential.signer'],
  ])('names the field of %j', (changes, field) => {
    expect(faultOfApp(changes).field).toBe(field);
  });

  describe('in a provider token', () => {
    const ofToken = (changes: object): { field: string; message: string } =>
      faultOfApp({ credential: { ...token, ...changes } });

    it.each([
      ['a key id that is too short', { keyId: 'ABC' }, 'keyId', /10 characters/],
      ['a team id in lower case', { teamId: 'team123456' }, 'teamId', /10 characters/],
      ['no key', { key: undefined }, 'key', /missing/],
      ['a file that is no key', { key: 'nonsense' }, 'key', /\.p8/],
      ['a file that cannot be read', { key: nonsense() }, 'key', /\.p8/],
      ['half a key', { key: key.slice(0, 100) }, 'key', /\.p8/],
      [
        'an RSA key',
        {
          key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
        },
        'key',
        /RSA/,
      ],
      [
        'a key of another curve',
        { key: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) },
        'key',
        /P-256/,
      ],
      ['the public half', { key: identity.publicKeyPem }, 'key', /public/],
      ['a certificate instead of a key', { key: identity.push.certificatePem }, 'key', /certificate/],
    ])('says what is wrong with %s', (_name, changes, field, message) => {
      expect(ofToken(changes)).toEqual({
        field: `apps.news.credential.${field}`,
        message: expect.stringMatching(message),
      });
    });
  });

  describe('in a client certificate', () => {
    const own = pushCertificate();

    it.each([
      ['neither certificate nor .p12', {}, /either cert and key, or pfx/],
      ['both', { ...own, pfx: nonsense() }, /either cert and key, or pfx/],
      ['no key', { cert: own.cert }, /key is missing/],
      ['a certificate that is none', { cert: 'nonsense', key: own.key }, /PEM/],
      ['a key that is none', { cert: own.cert, key: 'nonsense' }, /no private key in PEM/],
      [
        'a key that belongs to another certificate',
        { cert: own.cert, key: pushCertificate().key },
        /belongs to another certificate/,
      ],
      [
        'an expired certificate',
        pushCertificate({ notBefore: new Date(Date.now() - 9 * dayMs), notAfter: new Date(Date.now() - dayMs) }),
        /has expired/,
      ],
      [
        'one that is not valid yet',
        pushCertificate({ notBefore: new Date(Date.now() + dayMs), notAfter: new Date(Date.now() + 9 * dayMs) }),
        /not valid before/,
      ],
      ['one of the other environment', pushCertificate({ environments: ['sandbox'] }), /sandbox, not for production/],
      ['one of another app', pushCertificate({ bundleId: 'com.example.other' }), /may push to/],
      ['a .p12 that is none', { pfx: nonsense(), passphrase: 'x' }, /not a PKCS#12 file|damaged/],
      ['an empty .p12', { pfx: Buffer.alloc(0), passphrase: 'x' }, /not a PKCS#12 file|damaged/],
    ])('says what is wrong with %s', (_name, credential, message) => {
      const fault = faultOfCertificate(credential);
      expect(fault.field).toMatch(/^apps\.news\.credential/);
      expect(fault.message).toMatch(message);
    });

    it('says that the passphrase of an encrypted key is wrong or missing', () => {
      const encrypted = createPrivateKey(own.key).export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase: 'right',
      });
      expect(faultOfCertificate({ cert: own.cert, key: encrypted, passphrase: 'wrong' }).message).toMatch(
        /cannot be opened with this passphrase/,
      );
      expect(faultOfCertificate({ cert: own.cert, key: encrypted }).message).toMatch(/no passphrase was given/);
      createEngine({
        apps: {
          news: { ...good, credential: { kind: 'certificate', cert: own.cert, key: encrypted, passphrase: 'right' } },
        },
      });
    });

    describe('as a .p12', () => {
      const rsa = rsaIdentity();
      const legacy = ['-legacy', '-certpbe', 'PBE-SHA1-RC2-40', '-keypbe', 'PBE-SHA1-3DES'];

      it.each([
        ['RC2-40', rsa, legacy],
        ['PBES2', rsa, []],
        ['PBES2, of an EC key', { certPem: own.cert, keyPem: own.key }, []],
      ])('takes one encrypted with %s, and refuses a wrong passphrase', (_name, { certPem, keyPem }, options) => {
        const pfx = exportPkcs12(certPem, keyPem, 'right', options);
        if (pfx === null) return;
        const apps = (passphrase: string): EngineOptions => ({
          apps: { news: { ...good, credential: { kind: 'certificate', pfx, passphrase } } },
        });
        createEngine(apps('right'));
        for (const passphrase of ['wrong', ''])
          expect(faultOf(apps(passphrase)).message).toMatch(/passphrase of the \.p12 is wrong/);
      });

      it('refuses one that has expired', () => {
        const old = rsaIdentity({
          notBefore: new Date(Date.now() - 9 * dayMs),
          notAfter: new Date(Date.now() - dayMs),
        });
        const pfx = exportPkcs12(old.certPem, old.keyPem, 'right', legacy);
        if (pfx === null) return;
        expect(faultOfCertificate({ pfx, passphrase: 'right' }).message).toMatch(/has expired/);
      });

      // Only RSA ones were looked into: node-forge reads no EC keys.
      it('refuses one of an EC key that has expired', () => {
        const validity = { notBefore: new Date(Date.now() - 9 * dayMs), notAfter: new Date(Date.now() - dayMs) };
        const old = pushCertificate(validity);
        const pfx = exportPkcs12(old.cert, old.key, 'right', []);
        if (pfx === null) return;
        expect(faultOfCertificate({ pfx, passphrase: 'right' }).message).toMatch(/has expired/);
      });

      it('refuses one without a key, and half of one', () => {
        const withoutKey = exportPkcs12(rsa.certPem, rsa.keyPem, 'right', ['-nokeys']);
        const whole = exportPkcs12(rsa.certPem, rsa.keyPem, 'right', []);
        if (withoutKey === null || whole === null) return;
        expect(faultOfCertificate({ pfx: withoutKey, passphrase: 'right' }).message).toMatch(/no private key/);
        expect(faultOfCertificate({ pfx: whole.subarray(0, 500), passphrase: 'right' }).message).toMatch(/damaged/);
      });
    });
  });
});
