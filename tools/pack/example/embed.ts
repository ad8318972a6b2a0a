// An application that embeds the engine, against a gateway with Apple's rules in the same process.
import assert from 'node:assert/strict';

import { createEngine } from '@carillon/engine';
import type { Job, Receipt } from '@carillon/engine';
import { startSimulator } from '@carillon/simulator';

const jobs = 500;

await using simulator = await startSimulator({ profile: 'strict' });
const { endpoint, ca, keyPem: key, keyId, teamId, identity } = simulator;
const credential = { kind: 'token', key, keyId, teamId } as const;
await using engine = createEngine({ apps: { news: { topic: identity.topic, endpoint, ca, credential } } });

const outcome = await engine.send({ app: 'news', token: deviceToken(0), payload: { aps: { alert: 'Hi' } } });
assert.equal(outcome.kind, 'accepted');

const receipts: Receipt[] = [];
for await (const receipt of engine.sendAll(makeJobs())) receipts.push(receipt);
for await (const some of engine.sendBytes(makeLines())) receipts.push(...some);
assert.equal(receipts.length, 2 * jobs);
assert.deepEqual(
  receipts.filter((receipt) => receipt.outcome !== 'accepted'),
  [],
);
assert.equal(new Set(receipts.map((receipt) => receipt.id)).size, 2 * jobs);
assert.equal(simulator.stats().requests, 1 + 2 * jobs);
assert.equal(engine.stats().accepted, 1 + 2 * jobs);
console.log(`Node ${process.versions.node}: send, sendAll and sendBytes: ${engine.stats().accepted} accepted`);

function* makeJobs(): Generator<Job> {
  for (let index = 0; index < jobs; index++) {
    yield { id: `all-${index}`, app: 'news', token: deviceToken(index), payload: { aps: { badge: index } } };
  }
}

async function* makeLines(): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < jobs; index++) {
    const job = { id: `bytes-${index}`, app: 'news', token: deviceToken(index), payload: { aps: { badge: index } } };
    yield Buffer.from(`${JSON.stringify(job)}\n`);
  }
}

function deviceToken(index: number): string {
  return index.toString(16).padStart(64, '0');
}
