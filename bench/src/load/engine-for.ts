/** The engine as the load benches use it: one app, one token credential, as many connections as the task says. */
import { createEngine } from '@carillon/engine';
import type { Engine, EngineOptions, Receipt } from '@carillon/engine';
import type { ClientTask, Meter } from './client.ts';

export function engineFor(task: ClientTask, options: Partial<EngineOptions> = {}): Engine {
  const { keyPem: key, keyId, teamId, topic, ca, port } = task;
  const credential = { kind: 'token', key, keyId, teamId } as const;
  return createEngine({
    connectionsMax: task.connections,
    apps: { news: { topic, endpoint: `https://127.0.0.1:${port}`, ca, credential } },
    ...options,
  });
}

export async function countReceipts(receipts: AsyncIterable<readonly Receipt[]>, meter: Meter): Promise<void> {
  for await (const some of receipts) for (const receipt of some) meter.answered(receipt.status ?? 0);
}
