/** The whole engine by promise: `engine.send(job)` for each push, so many at a time. What an application does. */
import { inParallel, serveTask } from '../../load/client.ts';
import { engineFor } from '../../load/engine-for.ts';
import { deviceTokens, payloadOf, tokenCount } from '../../load/traffic.ts';

serveTask(async (task, meter) => {
  const tokens = deviceTokens();
  meter.begin();
  const engine = engineFor(task);
  await inParallel(task, async (number) => {
    const outcome = await engine.send({ token: tokens[number % tokenCount], payload: payloadOf(number) });
    meter.answered(outcome.kind === 'accepted' ? 200 : 0);
  });
  await engine.drain();
});
