/** @parse/node-apn as its README shows it: one Provider, a Notification for each push with an id of its own. */
import { randomUUID } from 'node:crypto';
import apn from '@parse/node-apn';
import { deviceTokens, payloadOf } from '../../load/traffic.ts';
import { serveFaults } from '../fault-task.ts';

serveFaults(({ port, ca, keyPem: key, keyId, teamId, topic }) => {
  const tokens = deviceTokens();
  const provider = new apn.Provider({ token: { key, keyId, teamId }, address: '127.0.0.1', port, ca: [ca] });
  return async (number) => {
    const { aps, ...payload } = payloadOf(number);
    const notification = new apn.Notification({ ...aps, payload, topic, pushType: 'alert', id: randomUUID() });
    const { sent, failed } = await provider.send(notification, tokens[number]);
    if (sent.length === 1) return null;
    const [failure] = failed;
    return String(failure?.error?.message ?? failure?.response?.reason ?? failure?.status);
  };
});
