/**
 * apns2 of npm. It has no option for the port, 443: its pool of connections is replaced by one of the same class with the
 * same settings (those of apns2 12.2, lib/apns.ts) towards the bench's gateway. Nothing else of it is touched.
 */
import { ApnsClient, Notification } from 'apns2';
import { deviceTokens, payloadOf } from '../../load/traffic.ts';
import { serveFaults } from '../fault-task.ts';

serveFaults(async ({ port, ca, keyPem, keyId, teamId, topic }) => {
  const tokens = deviceTokens();
  const client = new ApnsClient({ team: teamId, keyId, signingKey: keyPem, defaultTopic: topic, host: '127.0.0.1' });
  // undici is a dependency of apns2, not ours: its Pool is at hand only as the class of the pool that is replaced.
  const Pool = client.client.constructor as new (origin: string, options: object) => typeof client.client;
  const own = { connections: 32, pipelining: 1, allowH2: true, maxConcurrentStreams: 100 };
  await client.client.close();
  Object.assign(client, { client: new Pool(`https://127.0.0.1:${port}`, { ...own, connect: { ca } }) });
  return async (number) => {
    const { aps, ...data } = payloadOf(number);
    // It throws for everything that is not 200.
    await client.send(new Notification(tokens[number], { alert: aps.alert, sound: aps.sound, data }));
    return null;
  };
});
