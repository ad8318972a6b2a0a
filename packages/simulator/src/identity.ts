// Who a simulator is and whom it knows: its certificates, one team's provider key and one push certificate. Made anew
// unless given; give it to a second simulator and clients cannot tell it from the first (a gateway that restarts).
import { generateKeyPairSync } from 'node:crypto';

import { createCertificateAuthority } from './certificates.ts';
import type { IssuedCertificate } from './certificates.ts';

/** All strings, so that it travels over IPC and into files. */
export interface SimulatorIdentity {
  /** PEM; the `ca` of clients. */
  readonly ca: string;
  readonly server: IssuedCertificate;
  /** The .p8 of a provider token: PKCS#8 PEM, EC P-256. */
  readonly keyPem: string;
  /** SPKI PEM of the same key: all that the gateway itself needs. */
  readonly publicKeyPem: string;
  readonly keyId: string;
  readonly teamId: string;
  /** The app that the push certificate is for. */
  readonly topic: string;
  readonly push: IssuedCertificate;
}

/** Which server certificate clients meet; all but `good` must be refused by them. */
export type ServerCertificateKind = 'good' | 'wrong-name' | 'expired' | 'not-yet-valid' | 'other-authority';

export interface IdentityOptions {
  readonly serverCertificate?: ServerCertificateKind;
  readonly topic?: string;
  readonly keyId?: string;
  readonly teamId?: string;
}

const yearMs = 365 * 86_400_000;

export function createIdentity(options: IdentityOptions = {}): SimulatorIdentity {
  const authority = createCertificateAuthority();
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const topic = options.topic ?? 'com.example.app';
  const teamId = options.teamId ?? 'TEAM123456';
  return {
    ca: authority.certificatePem,
    server: issueServer(authority, options.serverCertificate ?? 'good'),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    keyId: options.keyId ?? 'KEY1234567',
    teamId,
    topic,
    push: authority.issuePush({ bundleId: topic, teamId }),
  };
}

function issueServer(
  authority: ReturnType<typeof createCertificateAuthority>,
  kind: ServerCertificateKind,
): IssuedCertificate {
  switch (kind) {
    case 'good':
      return authority.issueServer();
    case 'wrong-name':
      return authority.issueServer({ names: ['gateway.invalid'] });
    case 'expired':
      return authority.issueServer({
        notBefore: new Date(Date.now() - yearMs),
        notAfter: new Date(Date.now() - 1_000),
      });
    case 'not-yet-valid':
      return authority.issueServer({
        notBefore: new Date(Date.now() + yearMs),
        notAfter: new Date(Date.now() + 2 * yearMs),
      });
    case 'other-authority':
      return createCertificateAuthority({ name: 'Carillon Simulator Other Authority' }).issueServer();
  }
}
