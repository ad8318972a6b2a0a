/** node:http2 as one would write it by hand: one session, so many requests at a time, a fresh apns-id for each. */
import { randomUUID } from 'node:crypto';
import { connect, constants } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { isFault, openProviderTokenSource } from '@carillon/apns';
import { inParallel, serveTask } from '../../load/client.ts';
import type { ClientTask } from '../../load/client.ts';
import { deviceTokens, payloadText, tokenCount } from '../../load/traffic.ts';

const { HTTP2_HEADER_METHOD, HTTP2_HEADER_PATH, HTTP2_HEADER_STATUS } = constants;

function bearerOf({ keyPem: key, keyId, teamId }: ClientTask): string {
  const source = openProviderTokenSource({ key, keyId, teamId });
  if (isFault(source)) throw new Error(source.message);
  return `bearer ${source.tokenAt(Date.now()).token}`;
}

function request(session: ClientHttp2Session, headers: Record<string, string>, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers);
    let status = 0;
    stream.on('response', (fields) => {
      status = Number(fields[HTTP2_HEADER_STATUS]);
    });
    stream.on('error', reject);
    stream.on('end', () => resolve(status));
    stream.resume();
    stream.end(body);
  });
}

serveTask(async (task, meter) => {
  const tokens = deviceTokens();
  const bodies = tokens.map((_, number) => Buffer.from(payloadText(number)));
  const stable = {
    [HTTP2_HEADER_METHOD]: 'POST',
    authorization: bearerOf(task),
    'apns-topic': task.topic,
    'apns-push-type': 'alert',
    'apns-priority': '10',
  };
  meter.begin();
  const session = connect(`https://127.0.0.1:${task.port}`, { ca: task.ca });
  await inParallel(task, async (number) => {
    const record = number % tokenCount;
    const headers = { ...stable, [HTTP2_HEADER_PATH]: `/3/device/${tokens[record]}`, 'apns-id': randomUUID() };
    meter.answered(await request(session, headers, bodies[record]));
  });
  session.close();
});
