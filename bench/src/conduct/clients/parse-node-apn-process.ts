/**
 * @parse/node-apn as its README shows it: one Provider, a Notification for each job with an id of its own, 500 calls under way.
 * One app, for a Provider has one credential; its device tokens and faults are those of ours.
 */
import { randomUUID } from 'node:crypto';
import apn from '@parse/node-apn';
import { serve } from '../../load/client.ts';
import { payloadOf } from '../../load/traffic.ts';
import { SettlingCounter } from '../conduct-task.ts';
import type { ConductReport, ConductTask } from '../conduct-task.ts';
import { jobAt } from '../traffic.ts';

const underWay = 500;

serve(async (given): Promise<ConductReport> => {
  const { port, ca, jobs, apps, boundMs } = given as ConductTask; // the bench sends nothing else
  const [{ topic, credential }] = apps;
  if (credential.kind !== 'token') throw new Error('the first app has a token credential');
  const { key, keyId, teamId } = credential;
  const provider = new apn.Provider({ token: { key, keyId, teamId }, address: '127.0.0.1', port, ca: [ca] });
  const settling = new SettlingCounter();
  const told: Record<string, number> = {};
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < jobs) {
      const number = next++;
      const { aps, ...payload } = payloadOf(number);
      const notification = new apn.Notification({ ...aps, payload, topic, pushType: 'alert', id: randomUUID() });
      const { sent, failed } = await provider.send(notification, jobAt(number, jobs).token);
      const [failure] = failed;
      const why = failure?.response?.reason ?? failure?.error?.message ?? String(failure?.status);
      const what = sent.length === 1 ? 'accepted' : withoutNumbers(why);
      told[what] = (told[what] ?? 0) + 1;
      settling.add(1);
    }
  };
  let bound: NodeJS.Timeout | undefined;
  await Promise.race([
    Promise.all(Array.from({ length: underWay }, loop)),
    new Promise((resolve) => {
      bound = setTimeout(resolve, boundMs ?? 2 ** 31 - 1);
    }),
  ]);
  clearTimeout(bound);
  const { user, system } = process.cpuUsage();
  return {
    settled: settling.settled,
    cpuMicros: user + system,
    peakRssMb: process.resourceUsage().maxRSS / 1024, // KiB on every platform that Node runs on
    settling: settling.report(),
    told,
  };
});

/** Its messages name streams: alike but for that, they are counted together. */
function withoutNumbers(message: string): string {
  return message.replaceAll(/\d+/g, 'N').slice(0, 80);
}
