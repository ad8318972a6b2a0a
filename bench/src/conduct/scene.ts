/** The gateway of the conduct bench: whom it knows, what goes wrong there, and when. */
import { generateKeyPairSync } from 'node:crypto';
import { createIdentity } from '@carillon/simulator';
import type { Fault, SimulatorIdentity, SimulatorOptions } from '@carillon/simulator';
import type { ConductApp } from './conduct-task.ts';
import { scriptedTokens } from './traffic.ts';

/** Two teams with a signing key and two apps each, and one app with a certificate. */
export interface Scene {
  readonly identity: SimulatorIdentity;
  /** By place in `appNames`. */
  readonly apps: readonly ConductApp[];
  readonly keys: readonly { readonly keyId: string; readonly teamId: string; readonly publicKeyPem: string }[];
}

export function createScene(): Scene {
  const identity = createIdentity({ topic: 'com.example.cert.news' });
  const teams = ['NORTH', 'SOUTH'].map((name) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    return { key, publicKeyPem, keyId: `KEY00${name}`, teamId: `TEAM0${name}` };
  });
  const apps = teams.flatMap(({ key, keyId, teamId }) =>
    ['news', 'sports'].map((app): ConductApp => {
      const topic = `com.example.${teamId.slice(5).toLowerCase()}.${app}`;
      return { topic, credential: { kind: 'token', key, keyId, teamId } };
    }),
  );
  const { certificatePem: cert, keyPem: key } = identity.push;
  return {
    identity,
    apps: [...apps, { topic: identity.topic, credential: { kind: 'certificate', cert, key } }],
    keys: teams.map(({ keyId, teamId, publicKeyPem }) => ({ keyId, teamId, publicKeyPem })),
  };
}

/**
 * 2 s: APNs documents no Retry-After, and without one ours leaves a device alone for 30 s (`device-not-flooded`), which the
 * faults bench runs at full length. Here it would be the length of the run.
 */
const retryAfterSeconds = 2;
/** Replies of the real one take 40 to 80 ms, mostly round trip; so much keeps hundreds of pushes on the wire when a fault comes. */
const think = { replyMs: 5, spreadMs: 10 };

/** Pushes that the referee remembers, to know a resend from a first one: longer than Retry-After, up to 90,000 a second. */
const pushesMax = 200_000;

export function gatewayFor(
  { identity, keys }: Scene,
  jobs: number,
  hasFaults: boolean,
  ledger: string,
): SimulatorOptions {
  return {
    profile: 'strict',
    identity,
    rules: { keys, ...(hasFaults ? { tokens: scriptedTokens(jobs, retryAfterSeconds) } : {}) },
    latency: think,
    ledger: { kind: 'file', path: ledger },
    referee: { pushesMax },
    ...(hasFaults ? { faults: { faults: faultsFor(jobs) } } : {}),
  };
}

/** For a million jobs; in proportion for fewer. No two come at once, or one would meet connections that are going already. */
function faultsFor(jobs: number): readonly Fault[] {
  const scaled = (ofAMillion: number): number => Math.round((ofAMillion * jobs) / 1_000_000);
  return [
    {
      id: 'goaway',
      when: { on: 'reply', every: scaled(50_000), skip: scaled(12_500), inAll: true },
      action: { kind: 'goaway' },
    },
    {
      id: 'limit-drop',
      when: { on: 'reply', every: scaled(100_000), skip: scaled(25_000), inAll: true },
      action: {
        kind: 'settings',
        steps: [{ maxConcurrentStreams: 10 }, { afterMs: 500, maxConcurrentStreams: 1_000 }],
      },
    },
    {
      id: 'restart',
      when: { on: 'reply', nth: scaled(500_000), inAll: true, times: 1 },
      action: { kind: 'restart', awayMs: 1_000 },
    },
  ];
}
