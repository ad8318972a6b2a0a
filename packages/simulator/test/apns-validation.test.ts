// The cases of shared/conformance/apns-validation against the strict simulator on both stacks. They were transcribed
// from pushy's mock server. Apple documents no order of checks; pushy looks at apns-id before the method and at the
// topic before the path, we judge method and path first. So the two "order" cases run with pushy's order as the rules'
// `checkOrder`, and what our own order answers is stated beside them.
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { afterAll, describe, expect, it } from 'vitest';

import { startSimulator } from '../src/index.ts';
import type { CheckName, Simulator, SimulatorIdentity } from '../src/index.ts';
import { statusByReason } from '../src/rules/reasons.ts';
import { providerToken } from './provider-token.ts';
import { TestClient } from './test-client.ts';

interface ValidationCase {
  readonly id: string;
  readonly change: {
    readonly method?: string;
    readonly path?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly removeHeaders?: readonly string[];
    readonly bodyBytes?: number;
    readonly jwt?: string;
  };
  readonly expect: { readonly status: number; readonly body?: object };
}

interface Vectors {
  readonly base: { readonly body: string };
  readonly cases: readonly ValidationCase[];
  readonly statusByReason: Readonly<Record<string, readonly string[]>>;
}

const file = fileURLToPath(new URL('../../../../shared/conformance/apns-validation/cases.json', import.meta.url));
const vectors: Vectors | null = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Vectors) : null;

const pushyOrder: readonly CheckName[] = [
  'apns-id',
  'method',
  'topic',
  'collapse-id',
  'priority',
  'push-type',
  'path',
  'device-token',
  'authentication',
  'payload',
];

/** What our order makes of pushy's two order cases. */
const ourOrder: Readonly<Record<string, { status: number; reason: string }>> = {
  'order: bad apns-id beats wrong method': { status: 405, reason: 'MethodNotAllowed' },
  'order: missing topic beats bad path': { status: 404, reason: 'BadPath' },
};

const strangerKey = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();

function tokenFor(identity: SimulatorIdentity, how: string): string {
  switch (how) {
    case 'kid not registered':
      return providerToken(identity, { header: { alg: 'ES256', kid: 'UNKNOWN123' } });
    case 'signed by another P-256 key, same kid':
      return providerToken(identity, { keyPem: strangerKey });
    case 'iat=0':
      return providerToken(identity, { claims: { iss: identity.teamId, iat: 0 } });
    default:
      throw new Error(`a provider token of an unknown kind: ${how}`);
  }
}

/** {topic} of a case is the app's topic for its push type: the bundle id and, by Apple's page, the type's suffix. */
const suffixes: Readonly<Record<string, string>> = {
  liveactivity: '.push-type.liveactivity',
  pushtotalk: '.voip-ptt',
};

async function run(simulator: Simulator, { change }: ValidationCase): Promise<{ status: number; body: string }> {
  const client = await TestClient.connect(simulator);
  await client.until('settings');
  const headers: Record<string, string | null> = { ...change.headers };
  const suffix = suffixes[headers['apns-push-type'] ?? ''] ?? '';
  if (suffix !== '') headers['apns-topic'] = simulator.identity.topic + suffix;
  if (change.method !== undefined) headers[':method'] = change.method;
  if (change.path !== undefined) headers[':path'] = change.path;
  if (change.jwt !== undefined) headers['authorization'] = `bearer ${tokenFor(simulator.identity, change.jwt)}`;
  for (const name of change.removeHeaders ?? []) headers[name] = null;
  const body = change.bodyBytes === undefined ? '{}' : 'x'.repeat(change.bodyBytes);
  const answer = await client.answer(client.push(headers, body));
  client.close();
  return { status: Number(answer.status), body: answer.body };
}

const cases = vectors?.cases ?? [];
const orderCases = cases.filter(({ id }) => Object.hasOwn(ourOrder, id));

describe.each(['frames', 'node'] as const)('the strict simulator on stack %s', (stack) => {
  let checked = 0;
  afterAll(() => {
    const why = vectors === null ? `: ${file} is absent` : '';
    console.log(`apns-validation on ${stack}: ${checked} of ${cases.length} cases checked${why}`);
  });

  it.each(cases)('answers $id as expected', async (one) => {
    const rules = orderCases.includes(one) ? { checkOrder: pushyOrder } : {};
    await using simulator = await startSimulator({ stack, rules });
    const answer = await run(simulator, one);
    expect(answer.status).toBe(one.expect.status);
    expect(answer.body).toBe(one.expect.body === undefined ? '' : JSON.stringify(one.expect.body));
    checked += 1;
  });

  it.each(orderCases)('answers "$id" in its own order', async (one) => {
    const { status, reason } = ourOrder[one.id];
    await using simulator = await startSimulator({ stack });
    expect(await run(simulator, one)).toEqual({ status, body: JSON.stringify({ reason }) });
  });
});

describe('the table of reasons', () => {
  it('has every reason of the vectors under the same status', () => {
    for (const [status, reasons] of Object.entries(vectors?.statusByReason ?? {})) {
      for (const reason of reasons) expect(statusByReason, reason).toHaveProperty(reason, Number(status));
    }
    // 32 for pushes to devices; 11 for broadcasts and channels, which the vectors do not have.
    expect(Object.keys(statusByReason)).toHaveLength(32 + 11);
  });
});
