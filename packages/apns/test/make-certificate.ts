// Certificates as Apple issues them, made on the spot: a DER writer of a page, signed by node:crypto. No openssl needed,
// and a second opinion for the reader: what is written here is parsed by X509Certificate too.

import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

export interface CertificateRequest {
  readonly subject: readonly (readonly [oid: string, value: string])[];
  readonly extensions: readonly (readonly [oid: string, value: Buffer])[];
  readonly validFrom: Date;
  readonly validTo: Date;
}

export interface MadeCertificate {
  readonly pem: string;
  readonly der: Buffer;
  readonly key: KeyObject;
}

export function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const octets = length > 0xff ? [0x82, length >> 8, length & 0xff] : [0x81, length];
  return Buffer.concat([Buffer.from([tag, ...octets]), content]);
}

export function sequence(...contents: readonly Buffer[]): Buffer {
  return der(0x30, ...contents);
}

export function utf8(text: string): Buffer {
  return der(0x0c, Buffer.from(text));
}

/** Dotted form to DER (X.690 §8.19). */
function oid(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split('.').map(Number);
  const octets = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return der(0x06, Buffer.from(octets));
}

export function makeCertificate(request: CertificateRequest): MadeCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(oid('1.2.840.10045.4.3.2')); // ecdsa-with-SHA256
  const name = sequence(...request.subject.map(([type, value]) => der(0x31, sequence(oid(type), utf8(value)))));
  const extensions = request.extensions.map(([id, value]) => sequence(oid(id), der(0x04, value)));
  const tbs = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, Buffer.from([0x11])),
    algorithm,
    name,
    sequence(generalizedTime(request.validFrom), generalizedTime(request.validTo)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', tbs, privateKey)]);
  const certificate = sequence(tbs, algorithm, der(0x03, signature));
  // RFC 7468 §2: lines of 64; an empty last line would be refused, so the lines are joined, not ended.
  const body =
    certificate
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n') ?? '';
  return {
    pem: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
    der: certificate,
    key: privateKey,
  };
}

function generalizedTime(date: Date): Buffer {
  const text = date.toISOString().replaceAll(/[-:T]|\.\d{3}/g, '');
  return der(0x18, Buffer.from(text));
}
