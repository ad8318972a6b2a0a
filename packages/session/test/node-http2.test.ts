// A second opinion: node:http2 reads what the session writes, and answers it. Over loopback, for Node's http2 aborts the
// process when an in-memory duplex gives it more while it is reading (Node 24.21, node_http2.cc).
import http2 from 'node:http2';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { HeaderTemplate } from '@carillon/frames';
import { Session } from '@carillon/session';
import type { SessionClosure } from '@carillon/session';
import { GrowingOutbox } from './scripted-peer.ts';

interface Seen {
  readonly path: string;
  readonly topic: string;
  readonly id: string | undefined;
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly apnsId: string | null;
  readonly body: string;
}

const requests = 1_000;
const idOf = (job: number): string => `00000000-0000-4000-8000-${String(job).padStart(12, '0')}`;
const bodyOf = (job: number): string =>
  job % 50 === 0 ? '' : JSON.stringify({ aps: { alert: 'x'.repeat((job * 37) % 4_000) }, job });
const tokenOf = (job: number): string => (job * 2_654_435_761).toString(16).padStart(64, '0');

/** Apple's side in miniature: every third push is refused, with a body in two pieces. */
function gateway(settings: http2.Settings, seen: Seen[]): http2.Http2Server {
  const server = http2.createServer({ settings });
  server.on('stream', (stream, headers) => {
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => {
      const body = Buffer.concat(parts).toString();
      const id = headers['apns-id'];
      seen.push({
        path: String(headers[':path']),
        topic: String(headers['apns-topic']),
        id: id === undefined ? undefined : String(id),
        body,
      });
      const isRefused = seen.length % 3 === 0;
      const head = { ':status': isRefused ? 400 : 200, ...(id === undefined ? {} : { 'apns-id': id }) };
      stream.respond(head, { endStream: !isRefused });
      if (!isRefused) return;
      stream.write('{"reason":');
      stream.end('"BadDeviceToken"}');
    });
  });
  return server;
}

async function sendAll(
  settings: http2.Settings,
): Promise<{ seen: Seen[]; answers: Map<number, Answer>; closure: SessionClosure; openMost: number }> {
  const seen: Seen[] = [];
  const server = gateway(settings, seen);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on a TCP port has an address of this form.
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');

  const outbox = new GrowingOutbox();
  const answers = new Map<number, Answer>();
  let next = 0;
  let openMost = 0;
  const closed = Promise.withResolvers<SessionClosure>();
  const session = new Session(
    { outbox, streamsMax: 200 },
    {
      onReply: (tag, reply) =>
        answers.set(tag, { status: reply.status, apnsId: reply.header('apns-id'), body: reply.bodyText() }),
      onFailure: (tag, failure) => closed.reject(new Error(`job ${tag}: ${failure.kind}: ${failure.message}`)),
      onSettings: () => {},
      onGoAway: () => {},
      onPong: () => {},
      onClosed: (closure) => closed.resolve(closure),
    },
  );
  const fields = [
    { name: ':method', value: 'POST' },
    { name: ':scheme', value: 'https' },
    { name: ':path', prefix: '/3/device/', slot: 0, indexing: 'without' },
    { name: ':authority', value: 'api.push.apple.com' },
    { name: 'apns-id', slot: 1, indexing: 'name' },
  ] as const;
  const templates = ['com.example.one', 'com.example.two'].map(
    (topic) => new HeaderTemplate(session.encoder, [...fields, { name: 'apns-topic', value: topic }]),
  );

  /** Opens what there are slots for, and hands over what was written. */
  const pump = (): void => {
    while (next < requests) {
      const token = tokenOf(next);
      const id = next % 7 === 0 ? '' : idOf(next);
      const bytes = Buffer.from(token + id + bodyOf(next));
      const spans = Int32Array.of(0, 64, id === '' ? -1 : 64, 64 + id.length);
      const template = templates[next % 2];
      if (
        template === undefined ||
        session.open(template, bytes, spans, 0, 64 + id.length, bytes.length, next, performance.now()) === 0
      )
        break;
      next += 1;
      openMost = Math.max(openMost, session.openStreams);
    }
    if (answers.size === requests) session.drain(performance.now());
    if (outbox.length > 0) socket.write(outbox.take());
  };
  socket.on('data', (chunk: Buffer) => {
    session.receive(chunk, performance.now());
    pump();
  });
  session.start(performance.now());
  pump();
  const closure = await closed.promise;
  socket.end();
  server.close();
  await once(server, 'close');
  return { seen, answers, closure, openMost };
}

describe('Session with node:http2 as the gateway', () => {
  it.each([
    ['its usual settings', {}, 200],
    [
      'seven streams, windows of 1 KiB and no HPACK table',
      { maxConcurrentStreams: 7, initialWindowSize: 1_024, headerTableSize: 0 },
      7,
    ],
  ])(`has ${requests} requests read and answered, with %s`, async (_name, settings, streamsMost) => {
    const { seen, answers, closure, openMost } = await sendAll(settings);
    const expected = Array.from({ length: requests }, (_, job) => ({
      path: `/3/device/${tokenOf(job)}`,
      topic: job % 2 === 0 ? 'com.example.one' : 'com.example.two',
      id: job % 7 === 0 ? undefined : idOf(job),
      body: bodyOf(job),
    }));
    const byPath = (a: Seen, b: Seen): number => (a.path < b.path ? -1 : 1);
    expect(seen.sort(byPath)).toEqual(expected.sort(byPath));
    expect(answers.size).toBe(requests);
    expect([...answers.values()].filter(({ status }) => status === 200)).toHaveLength(
      requests - Math.floor(requests / 3),
    );
    for (const [job, { status, apnsId, body }] of answers) {
      expect([job, apnsId]).toEqual([job, job % 7 === 0 ? null : idOf(job)]);
      expect(body).toBe(status === 200 ? '' : '{"reason":"BadDeviceToken"}');
    }
    expect(closure).toMatchObject({ kind: 'local', errorCode: 0 });
    expect(openMost).toBeLessThanOrEqual(streamsMost);
  });
});
