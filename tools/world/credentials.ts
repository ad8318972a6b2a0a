// Who the senders of a world are. Keys are derived from their names and not made by chance: provider tokens are on the
// wire, and the same seed gives the same octets in every process.
import { createECDH, createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { isFault, openProviderTokenSource } from '../../packages/apns/src/index.ts';
import type { ProviderTokenSource } from '../../packages/apns/src/index.ts';
import type { CredentialOptions } from '../../packages/engine/src/index.ts';
import { createCertificateAuthority, createIdentity } from '../../packages/simulator/src/index.ts';
import type { IssuedCertificate, ProviderKey, SimulatorIdentity } from '../../packages/simulator/src/index.ts';
import type { CredentialPlan, TeamName } from './plan.ts';
import type { Sleeper } from './virtual-time.ts';

const teamIds: Readonly<Record<TeamName, string>> = { one: 'TEAM000001', two: 'TEAM000002', three: 'TEAM000003' };

interface Key extends ProviderKey {
  readonly keyPem: string;
}

const keys = new Map<string, Key>();

function keyOf(team: TeamName, number: 1 | 2): Key {
  const name = `${team} ${number}`;
  const known = keys.get(name);
  if (known !== undefined) return known;
  const secret = createHash('sha256').update(`carillon world, key ${name}`).digest();
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(secret);
  const point = curve.getPublicKey(); // 4, X, Y
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
  const jwk = { kty: 'EC', crv: 'P-256', d: secret.toString('base64url'), x, y };
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
  const key = {
    keyId: `KEY000${team.toUpperCase()}${number}`.padEnd(10, '0').slice(0, 10),
    teamId: teamIds[team],
    publicKeyPem: createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString(),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
  keys.set(name, key);
  return key;
}

export function keyIdOf(team: TeamName, number: 1 | 2): string {
  return keyOf(team, number).keyId;
}

export function allKeys(): Key[] {
  return (['one', 'two', 'three'] as const).flatMap((team) => [keyOf(team, 1), keyOf(team, 2)]);
}

/** Certificates are made anew in each process: nothing of them is on this wire. */
let identity: SimulatorIdentity | null = null;
const certificates = new Map<TeamName, IssuedCertificate>();

export function gatewayIdentity(): SimulatorIdentity {
  identity ??= createIdentity();
  return identity;
}

export const certificateTopic = 'com.example.desk';

function certificateOf(team: TeamName): IssuedCertificate {
  const known = certificates.get(team);
  if (known !== undefined) return known;
  const validity = { notBefore: new Date('2025-06-01T00:00:00Z'), notAfter: new Date('2030-01-01T00:00:00Z') };
  const made = createCertificateAuthority().issuePush({
    bundleId: certificateTopic,
    teamId: teamIds[team],
    ...validity,
  });
  certificates.set(team, made);
  return made;
}

const sources = new Map<string, ProviderTokenSource>();
/** By key and time of issue: a signature takes milliseconds, and thousands of worlds live in the same hours. */
const signed = new Map<string, string>();

function tokenOf(team: TeamName, number: 1 | 2, nowMs: number): { token: string; issuedAtMs: number } {
  const { keyPem, keyId, teamId } = keyOf(team, number);
  const quantumMs = 1_800_000;
  const issuedAtMs = Math.floor((nowMs - 120_000) / quantumMs) * quantumMs;
  const name = `${keyId} ${issuedAtMs}`;
  let token = signed.get(name);
  if (token === undefined) {
    let source = sources.get(keyId);
    if (source === undefined) {
      const opened = openProviderTokenSource({ key: keyPem, keyId, teamId });
      if (isFault(opened)) throw new Error(opened.message);
      source = opened;
      sources.set(keyId, source);
    }
    token = source.tokenAt(nowMs).token;
    signed.set(name, token);
  }
  return { token, issuedAtMs };
}

export function credentialOf(plan: CredentialPlan, time: Sleeper, epochMs: () => number): CredentialOptions {
  switch (plan.kind) {
    case 'token': {
      const { keyPem: key, keyId, teamId } = keyOf(plan.team, plan.key);
      return { kind: 'token', key, keyId, teamId };
    }
    case 'signer': {
      const { keyId, teamId } = keyOf(plan.team, plan.key);
      const signer = async (): Promise<{ token: string; issuedAtMs: number }> => {
        if (plan.delayMs > 0) await time.sleep(plan.delayMs, 'gateway');
        return tokenOf(plan.team, plan.key, epochMs());
      };
      return { kind: 'signer', keyId, teamId, signer };
    }
    case 'certificate': {
      const { certificatePem: cert, keyPem: key } = certificateOf(plan.team);
      return { kind: 'certificate', cert, key };
    }
  }
}

/** What must never be read in an event or an error: the middle of each private key, and signatures of provider tokens. */
export function secrets(): string[] {
  const pems = [...keys.values()].map(({ keyPem }) => keyPem);
  for (const { keyPem } of certificates.values()) pems.push(keyPem);
  const middles = pems.map((pem) => pem.split('\n')[1].slice(10, 40));
  return [...middles, ...[...signed.values()].map((token) => token.split('.')[2])];
}
