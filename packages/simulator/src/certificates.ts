// X.509 v3 certificates made at run time with node:crypto alone: a throw-away authority, server certificates, and client
// certificates with Apple's extensions. A fresh machine may have no openssl, and no private key belongs in a repository.
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { isIP } from 'node:net';

import {
  derBitString,
  derBoolean,
  derExplicit,
  derImplicit,
  derInteger,
  derNull,
  derObjectIdentifier,
  derOctetString,
  derSequence,
  derSet,
  derTime,
  derUtf8String,
} from './der.ts';

/** A certificate and its private key (EC P-256), both PEM; the key is PKCS#8. */
export interface IssuedCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface Validity {
  /** Default: an hour ago, so that a slightly wrong clock does not matter. */
  readonly notBefore?: Date;
  /** Default: 30 days from now. A date in the past makes an expired certificate. */
  readonly notAfter?: Date;
}

export interface ServerCertificateOptions extends Validity {
  /** DNS names and IP addresses of the subjectAltName. Another name than the one dialled makes a wrong-name certificate. */
  readonly names?: readonly string[];
}

/** What Apple writes into a push certificate (apns-protocol.md C.4). */
export interface PushCertificateOptions extends Validity {
  readonly bundleId: string;
  readonly teamId: string;
  /** Extension 1.2.840.113635.100.6.3.6; default: the bundle id, `.voip` and `.complication`. */
  readonly topics?: readonly PushCertificateTopic[];
  /** Which of the extensions …6.3.1 (sandbox) and …6.3.2 (production) it carries; today's certificates have both. */
  readonly environments?: readonly ('sandbox' | 'production')[];
}

export interface PushCertificateTopic {
  readonly topic: string;
  readonly kind: string;
}

export interface CertificateAuthority {
  /** For the `ca` option of a client. */
  readonly certificatePem: string;
  issueServer(options?: ServerCertificateOptions): IssuedCertificate;
  issuePush(options: PushCertificateOptions): IssuedCertificate;
}

/** What a simulator that binds loopback only is reached by. */
const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '::1'];

const Oid = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  country: '2.5.4.6',
  organizationalUnit: '2.5.4.11',
  userId: '0.9.2342.19200300.100.1.1',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  appleSandbox: '1.2.840.113635.100.6.3.1',
  appleProduction: '1.2.840.113635.100.6.3.2',
  appleTopics: '1.2.840.113635.100.6.3.6',
} as const;

const dayMs = 86_400_000;

/** RFC 5280 §4.2.1.3, as the octet of the BIT STRING and its unused low bits. */
const KeyUsage = { digitalSignature: [0x80, 7], certificateAndCrlSign: [0x06, 1] } as const;

export function createCertificateAuthority(options: Validity & { readonly name?: string } = {}): CertificateAuthority {
  const name = distinguishedName([[Oid.commonName, options.name ?? 'Carillon Simulator Test Authority']]);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyId = keyIdentifier(publicKey);
  const issuer: Issuer = { name, privateKey, keyId };
  const certificatePem = signCertificate(issuer, {
    subject: name,
    publicKey,
    validity: options,
    extensions: [
      extension(Oid.basicConstraints, derSequence(derBoolean(true)), true),
      keyUsage(KeyUsage.certificateAndCrlSign),
    ],
  });

  const issue = (subject: Buffer, validity: Validity, extensions: readonly Buffer[]): IssuedCertificate => {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return {
      certificatePem: signCertificate(issuer, { subject, publicKey: keys.publicKey, validity, extensions }),
      keyPem: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
  };

  return {
    certificatePem,
    issueServer: (server = {}) => {
      const names = server.names ?? loopbackNames;
      return issue(distinguishedName([[Oid.commonName, names[0]]]), server, [
        extension(Oid.basicConstraints, derSequence(), true),
        keyUsage(KeyUsage.digitalSignature),
        extension(Oid.extendedKeyUsage, derSequence(derObjectIdentifier(Oid.serverAuth))),
        extension(Oid.subjectAltName, derSequence(...names.map(generalName))),
      ]);
    },
    issuePush: (push) => issue(pushSubject(push), push, pushExtensions(push)),
  };
}

interface Issuer {
  readonly name: Buffer;
  readonly privateKey: KeyObject;
  readonly keyId: Buffer;
}

interface CertificateContent {
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly validity: Validity;
  readonly extensions: readonly Buffer[];
}

/** RFC 5280 §4.1: Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }. */
function signCertificate(issuer: Issuer, content: CertificateContent): string {
  const algorithm = derSequence(derObjectIdentifier(Oid.ecdsaWithSha256));
  const serial = randomBytes(16);
  serial[0] = (serial[0] & 0x7f) | 0x40; // positive and never shortened, so that the length is constant
  const tbsCertificate = derSequence(
    derExplicit(0, derInteger(2)), // v3
    derInteger(serial),
    algorithm,
    issuer.name,
    derSequence(
      derTime(content.validity.notBefore ?? new Date(Date.now() - 3_600_000)),
      derTime(content.validity.notAfter ?? new Date(Date.now() + 30 * dayMs)),
    ),
    content.subject,
    content.publicKey.export({ type: 'spki', format: 'der' }),
    derExplicit(
      3,
      derSequence(
        ...content.extensions,
        extension(Oid.subjectKeyIdentifier, derOctetString(keyIdentifier(content.publicKey))),
        extension(Oid.authorityKeyIdentifier, derSequence(derImplicit(0, issuer.keyId))),
      ),
    ),
  );
  const signature = sign('sha256', tbsCertificate, issuer.privateKey);
  return pem('CERTIFICATE', derSequence(tbsCertificate, algorithm, derBitString(signature)));
}

function pushSubject(push: PushCertificateOptions): Buffer {
  return distinguishedName([
    [Oid.userId, push.bundleId],
    [Oid.commonName, `Apple Push Services: ${push.bundleId}`],
    [Oid.organizationalUnit, push.teamId],
    [Oid.country, 'US'],
  ]);
}

function pushExtensions(push: PushCertificateOptions): Buffer[] {
  const topics = push.topics ?? [
    { topic: push.bundleId, kind: 'app' },
    { topic: `${push.bundleId}.voip`, kind: 'voip' },
    { topic: `${push.bundleId}.complication`, kind: 'complication' },
  ];
  const environments = push.environments ?? ['sandbox', 'production'];
  const topicList = topics.flatMap(({ topic, kind }) => [derUtf8String(topic), derSequence(derUtf8String(kind))]);
  return [
    extension(Oid.basicConstraints, derSequence(), true),
    keyUsage(KeyUsage.digitalSignature),
    extension(Oid.extendedKeyUsage, derSequence(derObjectIdentifier(Oid.clientAuth))),
    ...environments.map((one) => extension(one === 'sandbox' ? Oid.appleSandbox : Oid.appleProduction, derNull())),
    extension(Oid.appleTopics, derSequence(...topicList)),
  ];
}

function extension(oid: string, value: Buffer, isCritical = false): Buffer {
  const critical = isCritical ? [derBoolean(true)] : []; // DER leaves a DEFAULT FALSE out
  return derSequence(derObjectIdentifier(oid), ...critical, derOctetString(value));
}

function keyUsage([octet, unusedBits]: readonly [number, number]): Buffer {
  return extension(Oid.keyUsage, derBitString(Buffer.from([octet]), unusedBits), true);
}

/** RFC 5280 §4.2.1.6: [2] dNSName, [7] iPAddress as 4 or 16 octets. */
function generalName(name: string): Buffer {
  const family = isIP(name);
  if (family === 0) return derImplicit(2, Buffer.from(name, 'latin1'));
  return derImplicit(7, family === 4 ? Buffer.from(name.split('.').map(Number)) : ipv6Octets(name));
}

function ipv6Octets(address: string): Buffer {
  const [head, tail] = address.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const groups =
    tail === undefined ? head : [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return Buffer.concat(groups.map((group) => Buffer.from(group.padStart(4, '0'), 'hex')));
}

function distinguishedName(attributes: readonly (readonly [oid: string, value: string])[]): Buffer {
  return derSequence(
    ...attributes.map(([oid, value]) => derSet(derSequence(derObjectIdentifier(oid), derUtf8String(value)))),
  );
}

/** RFC 5280 §4.2.1.2, method 1 in spirit: a SHA-1 that names the key; any unique value would do. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  return createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
