/** @parse/node-apn as its README shows it: one Provider, a Notification for each push with an id of its own. */
import { randomUUID } from 'node:crypto';
import apn from '@parse/node-apn';
import { inParallel, serveTask } from '../../load/client.ts';
import { deviceTokens, payloadOf, tokenCount } from '../../load/traffic.ts';

serveTask(async (task, meter) => {
  const tokens = deviceTokens();
  const { keyPem: key, keyId, teamId, topic } = task;
  meter.begin();
  const provider = new apn.Provider({
    token: { key, keyId, teamId },
    address: '127.0.0.1',
    port: task.port,
    ca: [task.ca],
  });
  await inParallel(task, async (number) => {
    const { aps, ...payload } = payloadOf(number);
    const notification = new apn.Notification({ ...aps, payload, topic, pushType: 'alert', id: randomUUID() });
    const { sent } = await provider.send(notification, tokens[number % tokenCount]);
    meter.answered(sent.length === 1 ? 200 : 0);
  });
  void provider.shutdown();
});
