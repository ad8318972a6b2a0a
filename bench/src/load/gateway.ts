/** The gateway of the load benches: the fast simulator, in a process of its own, warm before anything is measured. */
import { spawnSimulator } from '@carillon/simulator';
import type { SpawnedSimulator } from '@carillon/simulator';
import type { ClientTask } from './client.ts';
import { runClient } from './run-client.ts';

/** What the fast profile grants by default, as APNs has since 2021. */
const streamsMax = 1000;
/** Enough for V8 to compile the gateway's loops, which else happens under the first row. */
const warmUpPushes = 50_000;

/** Calls `use` with a warm gateway, and closes it whatever happens. */
export async function withGateway<T>(signal: AbortSignal, use: (gateway: SpawnedSimulator) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const gateway = await spawnSimulator({ profile: 'fast' });
  try {
    await runClient('wire/clients/carillon-process', taskFor(gateway, { pushes: warmUpPushes }), { signal });
    return await use(gateway);
  } finally {
    await gateway.close();
  }
}

export function taskFor(gateway: SpawnedSimulator, of: Partial<ClientTask> & Pick<ClientTask, 'pushes'>): ClientTask {
  const { port, ca, keyPem, keyId, teamId, identity } = gateway;
  const { topic } = identity;
  return { port, ca, keyPem, keyId, teamId, topic, inFlight: streamsMax, connections: 1, topics: 1, ...of };
}
