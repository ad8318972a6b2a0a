/** Sends a clean batch, alone or beside a dirty one that began just before it, by one engine. */
import { createEngine } from '@carillon/engine';
import type { Receipt } from '@carillon/engine';
import { serve } from '../load/client.ts';
import { linesOf } from './batches.ts';
import type { Batch } from './batches.ts';

export interface ProbationTask {
  readonly endpoint: string;
  readonly ca: string;
  readonly keyPem: string;
  readonly keyId: string;
  readonly teamId: string;
  readonly topic: string;
  /** Of each batch. */
  readonly pushes: number;
  readonly isBeside: boolean;
  /** The app that each batch is sent for: two of one credential, or the same one in two calls. */
  readonly apps: Readonly<Record<Batch, string>>;
}

export interface BatchReport {
  /** From the call to its last receipt. */
  readonly wallMs: number;
  /** Receipts by Apple's status; 0 for none. */
  readonly statuses: Readonly<Record<string, number>>;
}

export interface ProbationReport {
  readonly clean: BatchReport;
  /** Null when the clean batch was alone. */
  readonly dirty: BatchReport | null;
  readonly cpuMicros: number;
  readonly dials: number;
}

serve(async (given): Promise<ProbationReport> => {
  const task = given as ProbationTask; // the bench sends nothing else
  const { endpoint, ca, keyPem: key, keyId, teamId, topic, pushes } = task;
  const app = { topic, endpoint, ca, credential: { kind: 'token', key, keyId, teamId } } as const;
  const engine = createEngine({ apps: Object.fromEntries(Object.values(task.apps).map((name) => [name, app])) });
  const send = async (batch: Batch): Promise<BatchReport> => {
    const beganAt = performance.now();
    const receipts = engine.sendBytes(linesOf(batch, task.apps[batch], pushes));
    const statuses = await countStatuses(receipts);
    return { wallMs: performance.now() - beganAt, statuses };
  };
  const [dirty, clean] = await Promise.all([task.isBeside ? send('dirty') : null, send('clean')]);
  const { dials } = engine.stats();
  await engine.drain();
  const { user, system } = process.cpuUsage();
  return { clean, dirty, cpuMicros: user + system, dials };
});

async function countStatuses(receipts: AsyncIterable<readonly Receipt[]>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for await (const some of receipts)
    for (const { status } of some) counts[String(status ?? 0)] = (counts[String(status ?? 0)] ?? 0) + 1;
  return counts;
}
