// The smallest world, for tests that want to see one thing alone.
import type { Plan } from './plan.ts';

export const onlyToken: string = 'c0ffee'.padEnd(64, '0');

/** One app, one device, one job, a good network, and nothing that goes wrong. */
export function smallPlan(changes: Partial<Plan> = {}): Plan {
  const token = onlyToken;
  return {
    seed: 1,
    startsAtMs: Date.UTC(2026, 2, 1, 12),
    gateways: [{ host: 'api.push.example', environment: 'production', http2: {}, latency: { replyMs: 40 }, rules: {} }],
    ways: { latencyMs: 5, jitterMs: 0, segments: 'whole', pieceBytes: 1, bufferBytes: 65_536 },
    addresses: 1,
    apps: [
      {
        name: 'news',
        topic: 'com.example.news',
        gateway: 0,
        credential: { kind: 'token', team: 'one', key: 1 },
        weight: 1,
        ratePerSecond: null,
      },
    ],
    engine: {
      connectionsMax: 2,
      giveUpAfterMs: 10_000,
      onCredentialFault: 'park',
      deadlineMs: 60_000,
      requestTimeoutMs: 20_000,
      onAmbiguous: 'resend',
      serverErrorDelayMs: 1_000,
      attemptsMax: 8,
      limits: {},
    },
    devices: [{ token, state: { kind: 'ok' } }],
    calls: [
      {
        kind: 'bytes',
        name: 'call',
        startsAtMs: 0,
        jobs: [{ id: 'job', app: 'news', token, payload: { aps: { alert: 'Hi' } } }],
        chunkBytes: 1_000,
        source: { delayMs: null, failsAfter: null },
        sink: { delayMs: 0, leavesAfter: null },
      },
    ],
    faults: [],
    ending: 'drain',
    ...changes,
  };
}
