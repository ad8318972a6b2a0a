/**
 * apns2 of npm. It has no option for the port, 443: its pool of connections is replaced by one of the same class with the
 * same settings (those of apns2 12.2, lib/apns.ts) towards the bench's gateway. Nothing else of it is touched. It cannot
 * set an apns-id.
 */
import { ApnsClient, Notification } from 'apns2';
import { inParallel, serveTask } from '../../load/client.ts';
import { deviceTokens, payloadOf, tokenCount } from '../../load/traffic.ts';

serveTask(async (task, meter) => {
  const tokens = deviceTokens();
  meter.begin();
  const client = new ApnsClient({
    team: task.teamId,
    keyId: task.keyId,
    signingKey: task.keyPem,
    defaultTopic: task.topic,
    host: '127.0.0.1',
  });
  // undici is a dependency of apns2, not ours: its Pool is at hand only as the class of the pool that is replaced.
  const Pool = client.client.constructor as new (origin: string, options: object) => typeof client.client;
  const own = { connections: 32, pipelining: 1, allowH2: true, maxConcurrentStreams: 100 };
  await client.client.close();
  Object.assign(client, { client: new Pool(`https://127.0.0.1:${task.port}`, { ...own, connect: { ca: task.ca } }) });
  await inParallel(task, async (number) => {
    const { aps, ...data } = payloadOf(number);
    await client.send(new Notification(tokens[number % tokenCount], { alert: aps.alert, sound: aps.sound, data }));
    meter.answered(200); // it throws for any other
  });
  void client.close();
});
