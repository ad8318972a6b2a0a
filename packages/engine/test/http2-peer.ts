/** An independent opinion of what we put on the wire: node:http2 over real TLS, which keeps each request as it came. */
import { createSecureServer } from 'node:http2';
import type { OutgoingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createIdentity } from '@carillon/simulator';
import type { SimulatorIdentity } from '@carillon/simulator';

export interface SeenRequest {
  /** In the order of the wire, pseudo-fields too. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export interface PeerAnswer {
  readonly headers: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

/** Null: no answer, ever. `reset`: RST_STREAM with this HTTP/2 error code. */
export type Answering = (request: SeenRequest, number: number) => PeerAnswer | { readonly reset: number } | null;

export interface Http2Peer extends AsyncDisposable {
  readonly endpoint: string;
  readonly identity: SimulatorIdentity;
  readonly requests: readonly SeenRequest[];
  /** Connections that were made in all. */
  readonly sessions: number;
}

export async function startPeer(answer: Answering, identity: SimulatorIdentity = createIdentity()): Promise<Http2Peer> {
  const requests: SeenRequest[] = [];
  const open = new Set<ServerHttp2Session>();
  let sessions = 0;
  const { certificatePem: cert, keyPem: key } = identity.server;
  const server = createSecureServer({ cert, key, ca: [identity.ca], requestCert: true, rejectUnauthorized: false });
  server.on('session', (session) => {
    sessions++;
    open.add(session);
    session.on('error', () => undefined); // the client's end is the test's business
    session.on('close', () => open.delete(session));
  });
  // Node passes the raw list fourth; its types do not mention it.
  server.on('stream', (...event: unknown[]) => {
    const [stream, , , rawHeaders] = event as [ServerHttp2Stream, unknown, unknown, readonly string[]];
    void take(stream, rawHeaders, requests, answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens
  return {
    endpoint: `https://127.0.0.1:${port}`,
    identity,
    requests,
    get sessions() {
      return sessions;
    },
    async [Symbol.asyncDispose]() {
      for (const session of open) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function take(
  stream: ServerHttp2Stream,
  rawHeaders: readonly string[],
  requests: SeenRequest[],
  answer: Answering,
): Promise<void> {
  stream.on('error', () => undefined); // as above
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer); // no encoding is set
  const headers = Array.from(
    { length: rawHeaders.length / 2 },
    (_, k) => [rawHeaders[2 * k], rawHeaders[2 * k + 1]] as const,
  );
  const request = { headers, body: Buffer.concat(chunks).toString('utf8') };
  const answered = answer(request, requests.push(request));
  if (answered === null || stream.destroyed) return;
  if ('reset' in answered) {
    stream.close(answered.reset);
    return;
  }
  stream.respond(answered.headers, { endStream: answered.body === undefined });
  if (answered.body !== undefined) stream.end(answered.body);
}

export function headerOf(request: SeenRequest, name: string): string | null {
  return request.headers.find(([one]) => one === name)?.[1] ?? null;
}
