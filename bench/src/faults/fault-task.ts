/**
 * What the faults bench asks of a client process, and what the process answers. Every client gets the same jobs all at
 * once, each with a device token of its own, and says for each what its caller was told.
 */
import { serve } from '../load/client.ts';

export interface FaultTask {
  readonly port: number;
  readonly ca: string;
  readonly keyPem: string;
  readonly keyId: string;
  readonly teamId: string;
  readonly topic: string;
  readonly jobs: number;
  /** What is not settled by then is not waited for. */
  readonly boundMs: number;
  /** How long ours waits for an answer to one attempt; null: its default. */
  readonly requestTimeoutMs: number | null;
}

export type End = 'accepted' | 'failed' | 'unresolved';

export interface FaultReport {
  /** By number of the job. */
  readonly ends: readonly End[];
  /** From the first job given to the last one settled, or to the bound. */
  readonly seconds: number;
  /** What the callers of failed jobs were told, with how often. */
  readonly told: Readonly<Record<string, number>>;
}

/** Sends job `number`; resolves to null when it was accepted, to what the caller is told when it was not. */
export type SendJob = (number: number) => Promise<string | null>;

/** The main function of a client process. */
export function serveFaults(open: (task: FaultTask) => SendJob | Promise<SendJob>): void {
  serve(async (given) => {
    const task = given as FaultTask; // the bench sends nothing else
    return sendJobs(task, await open(task));
  });
}

async function sendJobs({ jobs, boundMs }: FaultTask, send: SendJob): Promise<FaultReport> {
  const ends: End[] = Array.from({ length: jobs }, () => 'unresolved');
  const told: Record<string, number> = {};
  const beganAt = performance.now();
  const one = async (number: number): Promise<void> => {
    const failure = await send(number).catch((error: unknown) => String(error));
    ends[number] = failure === null ? 'accepted' : 'failed';
    if (failure !== null) told[failure] = (told[failure] ?? 0) + 1;
  };
  let bound: NodeJS.Timeout | undefined;
  await Promise.race([
    Promise.all(Array.from({ length: jobs }, (_, number) => one(number))),
    new Promise((resolve) => {
      bound = setTimeout(resolve, boundMs);
    }),
  ]);
  clearTimeout(bound);
  return { ends: [...ends], told: { ...told }, seconds: (performance.now() - beganAt) / 1000 };
}
