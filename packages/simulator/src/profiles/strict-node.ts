// Profile "strict" on node:http2: the same rules over somebody else's HTTP/2, as a second opinion on ours. No faults:
// node:http2 does not let anyone write bad frames. The referee sees what node:http2 shows: no PRIORITY or unknown frames,
// no malformed requests, and no streams that were refused.
import { performServerHandshake } from 'node:http2';
import type { OutgoingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';

import type { AcceptedSocket } from '../listener.ts';
import type { WatchedConnection } from '../referee/watched-connection.ts';
import { ConnectionRecord } from '../rules/authentication.ts';
import { readClientCertificate } from '../rules/client-certificate.ts';
import type { Answer, PlannedReply } from '../rules/judge-request.ts';
import type { PushRequest, RequestField } from '../rules/request.ts';
import type { Http2Options } from '../simulator-options.ts';
import type { Gateway } from './gateway.ts';
import type { Profile } from './profile.ts';
import { StreamLimit } from './stream-limit.ts';

/** Octets of each body that are kept; more are counted. */
const bodyKeptMax = 16_384;

export class StrictNodeProfile implements Profile {
  readonly #gateway: Gateway;
  readonly #http2: Http2Options;
  readonly #sessions = new Map<ServerHttp2Session, WatchedConnection>();

  constructor(gateway: Gateway, http2: Http2Options) {
    this.#gateway = gateway;
    this.#http2 = http2;
  }

  accept(socket: TLSSocket, accepted: AcceptedSocket): void {
    const record = new ConnectionRecord(
      readClientCertificate(socket.getPeerCertificate().raw),
      socket.remoteAddress ?? '',
    );
    const limit = new StreamLimit(this.#http2, record.certificate !== null);
    const session = performServerHandshake(socket, {
      settings: {
        headerTableSize: this.#http2.headerTableSize ?? 4_096,
        maxConcurrentStreams: limit.streamsMax,
        initialWindowSize: this.#http2.initialWindowSize ?? 65_535,
        maxHeaderListSize: this.#http2.maxHeaderListSize ?? 8_000,
      },
    });
    session.on('error', (error) => this.#gateway.countFault(error.message));
    const watched = this.#gateway.referee?.connection(accepted.ordinal) ?? null;
    if (watched !== null) this.#watch(session, watched, limit.streamsMax, record);
    session.on('ping', () => {
      this.#gateway.counters.pingsReceived += 1;
      watched?.pingReceived(this.#gateway.nowMs());
    });
    const certificate = record.certificate;
    if (certificate !== null && !certificate.environments.includes(this.#gateway.rules.environment)) {
      watched?.goAwaySent(0, this.#gateway.nowMs());
      session.goaway(0, 0, Buffer.from('{"reason":"BadCertificateEnvironment"}', 'latin1'));
      session.close();
      return;
    }
    session.on('stream', (stream, _headers, _flags, rawHeaders: unknown) => {
      // Node passes the raw list fourth; its types do not mention it.
      const connection = new NodeRequest(this.#gateway, record, limit, session, accepted.ordinal, watched);
      connection.take(stream, rawHeaders as readonly string[]);
    });
  }

  /** There are no faults on this stack. */
  fire(): void {}

  drop(): void {}

  mark(): boolean {
    for (const [session, watched] of this.#sessions) {
      if (session.destroyed || !watched.takeMark(this.#gateway.nowMs())) continue;
      session.ping((error) => {
        if (error === null) watched.markAcknowledged(this.#gateway.nowMs());
      });
    }
    return this.#sessions.size > 0;
  }

  #watch(session: ServerHttp2Session, watched: WatchedConnection, streamsMax: number, record: ConnectionRecord): void {
    this.#sessions.set(session, watched);
    session.once('close', () => this.#sessions.delete(session));
    watched.secured(record.certificate !== null);
    watched.settingsSent(streamsMax, this.#gateway.nowMs());
    session.on('localSettings', () => watched.settingsAcknowledged(this.#gateway.nowMs()));
  }
}

class NodeRequest {
  readonly #gateway: Gateway;
  readonly #record: ConnectionRecord;
  readonly #limit: StreamLimit;
  readonly #session: ServerHttp2Session;
  readonly #ordinal: number;
  readonly #watched: WatchedConnection | null;
  #isAnswered = false;

  constructor(
    gateway: Gateway,
    record: ConnectionRecord,
    limit: StreamLimit,
    session: ServerHttp2Session,
    ordinal: number,
    watched: WatchedConnection | null,
  ) {
    this.#gateway = gateway;
    this.#record = record;
    this.#limit = limit;
    this.#session = session;
    this.#ordinal = ordinal;
    this.#watched = watched;
  }

  take(stream: ServerHttp2Stream, rawHeaders: readonly string[]): void {
    const kept: Buffer[] = [];
    let bodyBytes = 0;
    this.#watched?.streamOpened(stream.id ?? 0, this.#gateway.nowMs());
    stream.on('close', () => {
      if (!this.#isAnswered) this.#watched?.resetReceived(stream.id ?? 0, this.#gateway.nowMs());
    });
    stream.on('error', () => (this.#gateway.counters.resetsReceived += 1)); // the client gave the stream up
    stream.on('data', (chunk: Buffer) => {
      bodyBytes += chunk.length;
      if (bodyBytes <= bodyKeptMax) kept.push(chunk);
    });
    stream.on('end', () => this.#onRequest(stream, toRequest(rawHeaders, bodyBytes), Buffer.concat(kept)));
  }

  #onRequest(stream: ServerHttp2Stream, request: PushRequest, body: Buffer): void {
    this.#watched?.request(stream.id ?? 0, request, body, this.#gateway.nowMs());
    const answer = this.#gateway.judge(request, body, this.#record);
    this.#gateway.record(request, body, this.#record, answer, { connection: this.#ordinal, stream: stream.id ?? 0 });
    const delayMs = answer.kind === 'silence' ? 0 : answer.delayMs + this.#gateway.latencyMs();
    if (delayMs === 0) this.#answer(stream, answer);
    else setTimeout(() => this.#answer(stream, answer), delayMs).unref();
  }

  #answer(stream: ServerHttp2Stream, answer: Answer): void {
    if (stream.destroyed || answer.kind === 'silence') return;
    if (answer.kind === 'reset') {
      this.#isAnswered = true;
      this.#watched?.spoiled(stream.id ?? 0, this.#gateway.nowMs());
      stream.close(answer.errorCode);
      return;
    }
    this.#reply(stream, answer);
  }

  #reply(stream: ServerHttp2Stream, reply: PlannedReply): void {
    const hasBody = reply.body !== '';
    stream.respond(toHeaders(reply), { endStream: !hasBody });
    if (hasBody) stream.end(reply.body);
    this.#isAnswered = true;
    this.#watched?.replied(stream.id ?? 0, reply, this.#gateway.nowMs());
    this.#gateway.counters.countReply(reply.status, reply.reason);
    const streamsMax = this.#limit.afterReply(reply.status, reply.isAuthenticated);
    if (streamsMax === null || this.#session.closed) return;
    this.#watched?.settingsSent(streamsMax, this.#gateway.nowMs());
    this.#session.settings({ maxConcurrentStreams: streamsMax });
  }
}

/** Name, value, name, value …: in wire order and with duplicates, unlike the headers object. */
function toRequest(rawHeaders: readonly string[], bodyBytes: number): PushRequest {
  let method = '';
  let path = '';
  const fields: RequestField[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at], rawHeaders[at + 1]];
    if (name === ':method') method = value;
    else if (name === ':path') path = value;
    else if (!name.startsWith(':')) fields.push({ name, value });
  }
  return { method, path, fields, bodyBytes };
}

function toHeaders(reply: PlannedReply): OutgoingHttpHeaders {
  return {
    ':status': reply.status,
    [reply.idName]: reply.apnsId,
    ...(reply.channelId === null ? {} : { 'apns-channel-id': reply.channelId }),
    ...(reply.uniqueId === null ? {} : { 'apns-unique-id': reply.uniqueId }),
    ...(reply.retryAfter === null ? {} : { 'retry-after': reply.retryAfter }),
    ...(reply.body === '' ? {} : { 'content-type': 'application/json' }),
  };
}
