/** PKCS#12 files made by the machine's openssl: Keychain's old exports and those of newer tools. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import forge from 'node-forge';

/** Null with the reason printed: this machine has no openssl, or one that lacks what is asked for. */
export function exportPkcs12(
  certPem: string,
  keyPem: string,
  passphrase: string,
  options: readonly string[],
): Buffer | null {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-p12-'));
  try {
    writeFileSync(join(folder, 'cert.pem'), certPem);
    writeFileSync(join(folder, 'key.pem'), keyPem);
    const files = ['-in', 'cert.pem', '-inkey', 'key.pem', '-out', 'out.p12', '-passout', `pass:${passphrase}`];
    execFileSync('openssl', ['pkcs12', '-export', ...options, ...files], { cwd: folder, stdio: 'pipe' });
    return readFileSync(join(folder, 'out.p12'));
  } catch (error) {
    console.log(
      `not checked on this machine: openssl pkcs12 ${options.join(' ')}: ${error instanceof Error ? error.message : String(error)}`,
    );
    return null;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface RsaIdentity {
  readonly certPem: string;
  readonly keyPem: string;
}

/** A self-signed RSA certificate that says it is for both environments of APNs, as Apple's are. */
export function rsaIdentity(validity: { readonly notBefore?: Date; readonly notAfter?: Date } = {}): RsaIdentity {
  const keys = forge.pki.rsa.generateKeyPair(2048);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = keys.publicKey;
  certificate.serialNumber = '42';
  certificate.validity.notBefore = validity.notBefore ?? new Date(Date.now() - 3_600_000);
  certificate.validity.notAfter = validity.notAfter ?? new Date(Date.now() + 90 * 86_400_000);
  const subject = [{ name: 'commonName', value: 'Apple Push Services: com.example.app' }];
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  certificate.sign(keys.privateKey, forge.md.sha256.create());
  return { certPem: forge.pki.certificateToPem(certificate), keyPem: forge.pki.privateKeyToPem(keys.privateKey) };
}

/** Bytes of no meaning that are the same each time. */
export function nonsense(): Buffer {
  return deflateSync(Buffer.from('nonsense'.repeat(9)));
}
