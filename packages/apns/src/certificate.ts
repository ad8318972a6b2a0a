// What a push certificate says about itself: for which topics, in which environments, until when. Read from Apple's
// extensions, never from the common name: filters on its wording have refused real VoIP and MDM certificates.

import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { expiryWarningsMs } from './conduct.ts';
import { childrenOf, contentHex, contentText, DerTag, readElements, type DerElement } from './der.ts';
import type { Environment } from './environment.ts';
import { fault, type ApnsFault, type ApnsFaultCode } from './fault.ts';
import { quote } from './quote.ts';
import type { EpochMs, Ms } from './time.ts';

export interface CertificateTopic {
  readonly topic: string;
  /** `app`, `voip` or `complication` in Apple's certificates; empty where the certificate does not say. */
  readonly kind: string;
}

export interface PushCertificate {
  /** UID of the subject: the bundle id, or the topic of an MDM certificate; null where there is none. */
  readonly uid: string | null;
  readonly commonName: string | null;
  /** OU of the subject. */
  readonly teamId: string | null;
  /** What it may push to; empty when it does not say, as certificates that are not Apple's do not. */
  readonly topics: readonly CertificateTopic[];
  /** Empty when it does not say. */
  readonly environments: readonly Environment[];
  readonly validFromMs: EpochMs;
  readonly validToMs: EpochMs;
  /** SHA-256 over the whole certificate, hex without colons. */
  readonly fingerprint: string;
  readonly x509: X509Certificate;
}

// Contents of the object identifiers, in hex.
const uidOid = '0992268993f22c640101'; // 0.9.2342.19200300.100.1.1
const commonNameOid = '550403'; // 2.5.4.3
const organizationalUnitOid = '55040b'; // 2.5.4.11
const sandboxOid = '2a864886f76364060301'; // 1.2.840.113635.100.6.3.1
const productionOid = '2a864886f76364060302'; // 1.2.840.113635.100.6.3.2
const voipTopicsOid = '2a864886f76364060304'; // 1.2.840.113635.100.6.3.4
const topicsOid = '2a864886f76364060306'; // 1.2.840.113635.100.6.3.6

// Apple's certificates have about 1.6 kB; a file with a chain stays well below this.
const fileBytesMax = 262_144;

/** Reads the first certificate of a PEM file, or a DER file (.cer). */
export function parseCertificate(content: string | Uint8Array): PushCertificate | ApnsFault {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.from(content);
  if (bytes.length > fileBytesMax) return refuse('local.bad-certificate', 'is far too large for a certificate');
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(bytes);
  } catch {
    // Node's message is OpenSSL's; what the file is instead helps more.
    return refuse('local.bad-certificate', describeOther(bytes.toString('latin1')));
  }
  return readCertificate(x509);
}

function readCertificate(x509: X509Certificate): PushCertificate {
  const { raw } = x509;
  const [certificate] = readElements(raw, 0, raw.length);
  const [tbs] = childrenOf(raw, certificate, DerTag.sequence);
  const fields = childrenOf(raw, tbs, DerTag.sequence);
  // RFC 5280 §4.1: version [0] (optional), serial, signature, issuer, validity, subject, key, …, extensions [3].
  const subject = fields[fields[0]?.tag === DerTag.context0 ? 5 : 4];
  const names = readSubject(raw, subject);
  const extensions = readExtensions(
    raw,
    fields.find((field) => field.tag === DerTag.context3),
  );
  const uid = names.get(uidOid) ?? null;
  const listed = [topicsOid, voipTopicsOid].flatMap((oid) => readTopics(raw, extensions.get(oid)));
  const environments: Environment[] = [];
  if (extensions.has(productionOid)) environments.push('production');
  if (extensions.has(sandboxOid)) environments.push('sandbox');
  // A certificate of one topic names it in its subject only (Apple: the bundle id is then the default topic).
  const isApples = environments.length > 0 || listed.length > 0;
  const topics = listed.length === 0 && uid !== null && isApples ? [{ topic: uid, kind: '' }] : listed;
  return {
    uid,
    commonName: names.get(commonNameOid) ?? null,
    teamId: names.get(organizationalUnitOid) ?? null,
    topics,
    environments,
    validFromMs: Date.parse(x509.validFrom),
    validToMs: Date.parse(x509.validTo),
    fingerprint: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
    x509,
  };
}

/** Name ::= SEQUENCE OF SET OF SEQUENCE { type, value }. The first value of a type counts. */
function readSubject(raw: Buffer, subject: DerElement | undefined): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const set of childrenOf(raw, subject, DerTag.sequence)) {
    for (const pair of childrenOf(raw, set, DerTag.set)) {
      const [type, value] = childrenOf(raw, pair, DerTag.sequence);
      if (type?.tag !== DerTag.oid || value === undefined) continue;
      const oid = contentHex(raw, type);
      if (!names.has(oid)) names.set(oid, contentText(raw, value));
    }
  }
  return names;
}

/** [3] SEQUENCE OF SEQUENCE { id, critical DEFAULT FALSE, value OCTET STRING }; the octet strings by id. */
function readExtensions(raw: Buffer, wrapper: DerElement | undefined): ReadonlyMap<string, DerElement> {
  const extensions = new Map<string, DerElement>();
  const [list] = childrenOf(raw, wrapper, DerTag.context3);
  for (const extension of childrenOf(raw, list, DerTag.sequence)) {
    const parts = childrenOf(raw, extension, DerTag.sequence);
    const value = parts.find((part) => part.tag === DerTag.octetString);
    if (parts[0]?.tag === DerTag.oid && value !== undefined) extensions.set(contentHex(raw, parts[0]), value);
  }
  return extensions;
}

/** SEQUENCE of pairs: UTF8String topic, SEQUENCE { UTF8String kind }. A bare UTF8String is read as one topic. */
function readTopics(raw: Buffer, extension: DerElement | undefined): readonly CertificateTopic[] {
  const [content] = childrenOf(raw, extension, DerTag.octetString);
  if (content?.tag === DerTag.utf8String) return [{ topic: contentText(raw, content), kind: '' }];
  const topics: CertificateTopic[] = [];
  const elements = childrenOf(raw, content, DerTag.sequence);
  for (let i = 0; i < elements.length; i++) {
    if (elements[i].tag !== DerTag.utf8String) continue;
    const [kind] = childrenOf(raw, elements[i + 1], DerTag.sequence);
    topics.push({ topic: contentText(raw, elements[i]), kind: kind === undefined ? '' : contentText(raw, kind) });
  }
  return topics;
}

export interface CertificateUse {
  readonly nowMs: EpochMs;
  /** Not given: any. */
  readonly environment?: Environment;
  /** Not given: any. */
  readonly topic?: string;
}

/** Null when the certificate may be used so. What a certificate does not say is not held against it. */
export function checkCertificate(certificate: PushCertificate, use: CertificateUse): ApnsFault | null {
  const { validFromMs, validToMs, environments, topics } = certificate;
  if (use.nowMs < validFromMs) {
    return refuse('local.certificate-not-valid', `is not valid before ${iso(validFromMs)}; is the clock right?`);
  }
  if (use.nowMs > validToMs) {
    return refuse(
      'local.certificate-not-valid',
      `has expired on ${iso(validToMs)}; renew it in Apple's developer account`,
    );
  }
  if (use.environment !== undefined && environments.length > 0 && !environments.includes(use.environment)) {
    return refuse(
      'local.certificate-wrong-environment',
      `is for ${environments.join(', ')}, not for ${use.environment}`,
    );
  }
  if (use.topic !== undefined && topics.length > 0 && !topics.some(({ topic }) => topic === use.topic)) {
    const names = topics.map(({ topic }) => quote(topic)).join(', ');
    return refuse('local.certificate-wrong-topic', `may push to ${names}, not to ${quote(use.topic)}`);
  }
  return null;
}

/** Null when the key, PEM, is the certificate's own and can be read. */
export function checkCertificateKey(
  certificate: PushCertificate,
  keyPem: string | Uint8Array,
  passphrase?: string,
): ApnsFault | null {
  const text = typeof keyPem === 'string' ? keyPem : Buffer.from(keyPem).toString('latin1');
  const isEncrypted = text.includes('ENCRYPTED');
  if (!text.includes('PRIVATE KEY-----')) return refuseKey('local.bad-certificate', 'is no private key in PEM');
  if (isEncrypted && passphrase === undefined) {
    return refuseKey('local.bad-certificate', 'is encrypted and no passphrase was given');
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(
      passphrase === undefined ? { key: text, format: 'pem' } : { key: text, format: 'pem', passphrase },
    );
  } catch {
    return refuseKey(
      'local.bad-certificate',
      isEncrypted ? 'cannot be opened with this passphrase, or is damaged' : 'is damaged',
    );
  }
  if (certificate.x509.checkPrivateKey(key)) return null;
  return refuseKey('local.certificate-key-mismatch', 'belongs to another certificate');
}

/** The tightest of 30, 7 and 1 days that the end of the certificate has come into; null while it is far or past. */
export function expiryWarning(certificate: PushCertificate, nowMs: EpochMs): Ms | null {
  const leftMs = certificate.validToMs - nowMs;
  if (leftMs < 0) return null;
  return expiryWarningsMs.find((warningMs) => leftMs <= warningMs) ?? null;
}

function describeOther(text: string): string {
  if (text.includes('-----BEGIN CERTIFICATE-----')) return 'is damaged';
  if (text.includes('PRIVATE KEY-----')) return 'is a private key; the certificate is another file';
  if (text.includes('-----BEGIN CERTIFICATE REQUEST')) return 'is a request for a certificate, not the certificate';
  if (text.trim() === '') return 'is empty';
  return 'is neither PEM nor DER; a .p12 file is configured as pfx';
}

function iso(ms: EpochMs): string {
  return new Date(ms).toISOString();
}

function refuse(code: ApnsFaultCode, problem: string): ApnsFault {
  return fault(code, 'cert', `cert ${problem}. Right is the push certificate of the app, PEM or .cer`);
}

function refuseKey(code: ApnsFaultCode, problem: string): ApnsFault {
  return fault(code, 'key', `key ${problem}. Right is the private key that the certificate was requested with, as PEM`);
}
