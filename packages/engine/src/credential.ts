/**
 * From an app's credential to what connections need: a provider token source, or a client certificate. Everything that
 * can be wrong with it is found here, before a byte is sent, and said so that a person knows what to do.
 */
import { createHash } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import {
  checkCertificate,
  checkCertificateKey,
  isFault,
  openProviderTokenSource,
  parseCertificate,
} from '@carillon/apns';
import type { ApnsFault, Environment, EpochMs, PushCertificate, Topic } from '@carillon/apns';
import type { Clock, TlsIdentity } from '@carillon/pool';
import { EngineConfigError } from './errors.ts';
import { objectOf, textOf } from './options.ts';
import type { CredentialOptions } from './options.ts';
import { openPkcs12 } from './pkcs12.ts';
import { SignerTokens } from './signer.ts';
import type { SignerOwner, TokenSigner, TokenSource } from './signer.ts';

export interface Identity {
  readonly tls: TlsIdentity;
  /** Null for a client certificate. */
  readonly tokens: TokenSource | null;
  /** Null for a provider token, and for a certificate that OpenSSL reads and we cannot look into. */
  readonly certificate: PushCertificate | null;
  /** Equal for equal identities; tells nothing about the secret. */
  readonly fingerprint: string;
}

/** What the credential is to be used for, as far as known. */
export interface CredentialUse {
  readonly nowMs: EpochMs;
  readonly topic: Topic;
  /** Null with an endpoint that is not Apple's: a simulator accepts what it likes. */
  readonly environment: Environment | null;
  readonly clock: Clock;
  /** Hears of a signer's tokens. */
  readonly signerOwner: SignerOwner;
}

/** Throws `EngineConfigError` that names the field, never the secret. */
export function openIdentity(
  credential: CredentialOptions,
  ca: string | Buffer | undefined,
  field: string,
  use: CredentialUse,
): Identity {
  objectOf(`${field}.credential`, credential);
  const trust: TlsIdentity = ca === undefined ? {} : { ca };
  if (ca !== undefined) {
    // OpenSSL takes text without a certificate for an empty list, and then trusts nobody.
    if (!ca.includes('-----BEGIN CERTIFICATE-----'))
      throw new EngineConfigError(`${field}.ca`, `${field}.ca holds no certificate in PEM`);
    checkTls(trust, `${field}.ca`);
  }
  switch (credential.kind) {
    case 'token': {
      const { key, keyId, teamId } = credential;
      if (!(key instanceof Uint8Array)) textOf(`${field}.credential.key`, key);
      textOf(`${field}.credential.keyId`, keyId);
      textOf(`${field}.credential.teamId`, teamId);
      const tokens = openProviderTokenSource({ key, keyId, teamId });
      if (isFault(tokens)) throw faultError(tokens, `${field}.credential`);
      // Signed now: the first signature of a process takes some 60 ms, which no push should wait for.
      tokens.tokenAt(use.nowMs);
      const fingerprint = digest('token', tokens.fingerprint, keyId, teamId, ca);
      return { tls: trust, tokens, certificate: null, fingerprint };
    }
    case 'signer': {
      const { signer, keyId, teamId } = credential;
      textOf(`${field}.credential.keyId`, keyId);
      textOf(`${field}.credential.teamId`, teamId);
      if (typeof signer !== 'function')
        throw new EngineConfigError(`${field}.credential.signer`, `${field}.credential.signer is no function`);
      const tokens = new SignerTokens(signer, keyId, use.clock, use.signerOwner);
      return {
        tls: trust,
        tokens,
        certificate: null,
        fingerprint: digest('signer', ordinalOf(signer), keyId, teamId, ca),
      };
    }
    case 'certificate':
      return openCertificate(credential, trust, `${field}.credential`, use);
    default:
      throw new EngineConfigError(
        `${field}.credential.kind`,
        `${field}.credential.kind is unknown; token or certificate is right`,
      );
  }
}

function openCertificate(
  options: Extract<CredentialOptions, { kind: 'certificate' }>,
  trust: TlsIdentity,
  field: string,
  use: CredentialUse,
): Identity {
  const { cert, key, pfx, passphrase } = options;
  if ((cert === undefined) === (pfx === undefined)) {
    throw new EngineConfigError(field, `${field} needs either cert and key, or pfx`);
  }
  if (cert !== undefined && key === undefined)
    throw new EngineConfigError(`${field}.key`, `${field}.key is missing beside cert`);
  const given: TlsIdentity = {
    ...trust,
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(pfx === undefined ? {} : { pfx }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
  const opened =
    pfx === undefined ? { tls: given, cert: cert ?? null } : openPfx(pfx, passphrase ?? '', given, trust, field);
  const { tls } = opened;
  const certificate = opened.cert === null ? null : lookInto(opened.cert, field, use);
  // Before OpenSSL's opinion: it calls an unreadable key an unsupported one.
  const keyFault = certificate === null || key === undefined ? null : checkCertificateKey(certificate, key, passphrase);
  if (keyFault !== null) throw faultError(keyFault, field);
  checkTls(tls, field);
  const { ca } = trust;
  return { tls, tokens: null, certificate, fingerprint: digest('certificate', cert, pfx, ca) };
}

/** OpenSSL first; node-forge when it does not read the file. */
function openPfx(
  pfx: Buffer,
  passphrase: string,
  given: TlsIdentity,
  trust: TlsIdentity,
  field: string,
): { tls: TlsIdentity; cert: Buffer | string | null } {
  try {
    const { context } = createSecureContext(given);
    return { tls: given, cert: (context as OpenedContext).getCertificate() };
  } catch (error) {
    const opened = openPkcs12(pfx, passphrase);
    if (typeof opened !== 'string')
      return { tls: { ...trust, cert: opened.certPem, key: opened.keyPem }, cert: opened.certPem };
    if (opened === 'no-key')
      throw new EngineConfigError(
        field,
        `${field}.pfx holds no private key; export certificate and key together`,
        error,
      );
    if (opened === 'no-certificate')
      throw new EngineConfigError(field, `${field}.pfx holds no certificate for its key`, error);
    throw new EngineConfigError(field, `${field}.pfx cannot be used: ${explainTls(error)}`, error);
  }
}

/** Node's own context has it, and its types leave it out: the certificate as DER, null when the file holds none. */
interface OpenedContext {
  getCertificate(): Buffer | null;
}

function lookInto(cert: string | Buffer, field: string, use: CredentialUse): PushCertificate {
  const certificate = parseCertificate(cert);
  if (isFault(certificate)) throw faultError(certificate, field);
  const { nowMs, topic, environment } = use;
  const fault = checkCertificate(certificate, { nowMs, ...(environment === null ? {} : { environment, topic }) });
  if (fault !== null) throw faultError(fault, field);
  return certificate;
}

/** OpenSSL's own opinion, now instead of at the first dial. */
function checkTls(tls: TlsIdentity, field: string): void {
  try {
    createSecureContext(tls);
  } catch (error) {
    throw new EngineConfigError(field, `${field} cannot be used: ${explainTls(error)}`, error);
  }
}

function explainTls(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  if (/mac verify failure/iu.test(text)) return 'the passphrase of the .p12 is wrong, or it needs one';
  if (/key values mismatch/iu.test(text)) return 'the key does not belong to the certificate';
  if (/bad decrypt|bad password|interrupted or cancelled/iu.test(text))
    return 'the passphrase of the key is wrong, or it needs one';
  if (/no start line|PEM/u.test(text)) return `it is not PEM (${text})`;
  if (/not enough data|wrong tag|too long|asn1/iu.test(text)) return 'the file is not a PKCS#12 file, or it is damaged';
  if (/unsupported/iu.test(text))
    return `OpenSSL does not read this kind of file (${text}); export it again with a newer tool`;
  return text;
}

export function faultError(fault: ApnsFault, field: string): EngineConfigError {
  return new EngineConfigError(`${field}.${fault.field}`, `${field}: ${fault.message}`);
}

const ordinals = new WeakMap<TokenSigner, string>();
let signers = 0;

/** Tells signers apart: another one for the same key is another credential, and takes effect when it replaces the first. */
function ordinalOf(signer: TokenSigner): string {
  let ordinal = ordinals.get(signer);
  if (ordinal === undefined) {
    ordinal = String(++signers);
    ordinals.set(signer, ordinal);
  }
  return ordinal;
}

function digest(...parts: (string | Buffer | undefined)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part ?? '').update('\0');
  return hash.digest('hex');
}
