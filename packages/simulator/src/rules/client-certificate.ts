// What the gateway reads from a client's certificate: its dates, Apple's topic list and environments (C.4).
import { X509Certificate } from 'node:crypto';

export interface ClientCertificate {
  readonly topics: readonly string[];
  /** Both when the certificate names none: it is not one of Apple's. */
  readonly environments: readonly ('sandbox' | 'production')[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** DER of the object identifiers 1.2.840.113635.100.6.3.{1,2,4,6}, tag and length included. */
const oidPrefix = [0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64, 0x06, 0x03];
const Extension = { sandbox: 1, production: 2, voipTopics: 4, topics: 6 } as const;

/** From its DER; null when the client showed none: Node gives nothing then, which its types do not say. */
export function readClientCertificate(der: Buffer | undefined): ClientCertificate | null {
  if (der === undefined) return null;
  const certificate = new X509Certificate(der);
  const sandbox = findExtension(der, Extension.sandbox) === null ? [] : (['sandbox'] as const);
  const production = findExtension(der, Extension.production) === null ? [] : (['production'] as const);
  const environments = [...sandbox, ...production];
  const listed = [Extension.topics, Extension.voipTopics].flatMap((one) => topicsIn(findExtension(der, one)));
  const userId = /^UID=(.+)$/m.exec(certificate.subject)?.[1];
  return {
    topics: listed.length > 0 || userId === undefined ? listed : [userId],
    environments: environments.length > 0 ? environments : ['sandbox', 'production'],
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
  };
}

/** The content of the extension's OCTET STRING, which follows its OID (no CRITICAL flag on these). */
function findExtension(der: Buffer, last: number): Buffer | null {
  const at = der.indexOf(Buffer.from([...oidPrefix, last]));
  return at < 0 ? null : readValue(der, at + oidPrefix.length + 1).content;
}

/** Topic list: SEQUENCE of pairs, UTF8String topic and SEQUENCE { UTF8String kind }: the topics are the outer strings. */
function topicsIn(list: Buffer | null): string[] {
  if (list === null) return [];
  const topics: string[] = [];
  const pairs = readValue(list, 0).content;
  for (let at = 0; at < pairs.length;) {
    const value = readValue(pairs, at);
    if (value.tag === 0x0c) topics.push(value.content.toString('utf8'));
    at = value.end;
  }
  return topics;
}

/** One TLV; lengths beyond the buffer are cut by subarray, so hostile DER gives short values, never a fault. */
function readValue(der: Buffer, at: number): { tag: number; content: Buffer; end: number } {
  const tag = der[at] ?? 0;
  const first = der[at + 1] ?? 0;
  if (first < 0x80) return { tag, content: der.subarray(at + 2, at + 2 + first), end: at + 2 + first };
  let length = 0;
  const octets = first & 0x7f;
  for (let k = 0; k < octets; k++) length = length * 256 + (der[at + 2 + k] ?? 0);
  const start = at + 2 + octets;
  return { tag, content: der.subarray(start, start + length), end: start + length };
}
