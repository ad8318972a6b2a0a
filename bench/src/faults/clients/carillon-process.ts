/** Ours, as an application uses it: `engine.send(job)` for each. */
import { createEngine } from '@carillon/engine';
import type { Outcome } from '@carillon/engine';
import { deviceTokens, payloadOf } from '../../load/traffic.ts';
import { serveFaults } from '../fault-task.ts';

serveFaults(({ port, ca, keyPem: key, keyId, teamId, topic, requestTimeoutMs }) => {
  const tokens = deviceTokens();
  const credential = { kind: 'token', key, keyId, teamId } as const;
  const engine = createEngine({
    apps: { news: { topic, endpoint: `https://127.0.0.1:${port}`, ca, credential } },
    ...(requestTimeoutMs === null ? {} : { requestTimeoutMs }),
  });
  return async (number) => told(await engine.send({ token: tokens[number], payload: payloadOf(number) }));
});

function told(outcome: Outcome): string | null {
  switch (outcome.kind) {
    case 'accepted':
      return null;
    case 'abandoned':
      return `abandoned: ${outcome.because} (${outcome.last})`;
    default:
      return `${outcome.kind}: ${outcome.reason}`;
  }
}
