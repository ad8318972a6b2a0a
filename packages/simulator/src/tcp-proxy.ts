// A TCP proxy that makes a bad network out of loopback: the kernel here has no netem. Bytes only; TLS passes through.
//
//   client ─► Lane (toServer: delay, rate, segments, stall, cut) ─► server
//   client ◄─ Lane (toClient) ◄───────────────────────────────────── server
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** One direction. */
export interface LaneOptions {
  /** Each chunk arrives this much later; order is kept. */
  readonly delayMs?: number;
  /** Most octets of one write. */
  readonly segmentBytes?: number;
  readonly bytesPerSecond?: number;
  /** The connection is reset when this many octets have passed. */
  readonly cutAtByte?: number;
  /** False: the FIN of the sending side is swallowed, as by a peer that closes TLS but not TCP. Default true. */
  readonly forwardsEnd?: boolean;
}

export interface TcpProxyOptions {
  readonly targetPort: number;
  /** Default 127.0.0.1. */
  readonly targetHost?: string;
  readonly toServer?: LaneOptions;
  readonly toClient?: LaneOptions;
}

export type Direction = 'to-server' | 'to-client' | 'both';

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections accepted so far, and octets that passed. */
  readonly accepted: number;
  readonly bytesToServer: number;
  readonly bytesToClient: number;
  /** Holds every byte back, also of connections to come, until `resume`: the peer looks dead, and TCP is fine. */
  stall(direction: Direction): void;
  resume(): void;
  /** TCP RST to both sides of every connection. */
  reset(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(options: TcpProxyOptions): Promise<TcpProxy> {
  const proxy = new RunningProxy(options);
  await proxy.listen();
  return proxy;
}

class RunningProxy implements TcpProxy {
  accepted = 0;
  bytesToServer = 0;
  bytesToClient = 0;
  readonly #options: TcpProxyOptions;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #stalled: Direction | null = null;

  constructor(options: TcpProxyOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port; // a TCP server that listens has an AddressInfo
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', () => resolve());
    });
  }

  stall(direction: Direction): void {
    this.#stalled = direction;
    for (const pair of this.#pairs) this.#applyStall(pair);
  }

  resume(): void {
    this.#stalled = null;
    for (const pair of this.#pairs) this.#applyStall(pair);
  }

  reset(): void {
    for (const pair of this.#pairs) resetPair(pair);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(client: Socket): void {
    this.accepted += 1;
    const { targetPort, targetHost, toServer, toClient } = this.#options;
    const server = connect({ port: targetPort, host: targetHost ?? '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const reset = (): void => resetPair(pair);
    const pair: Pair = {
      client,
      server,
      toServer: new Lane(client, server, toServer ?? {}, (bytes) => (this.bytesToServer += bytes), reset),
      toClient: new Lane(server, client, toClient ?? {}, (bytes) => (this.bytesToClient += bytes), reset),
    };
    this.#pairs.add(pair);
    this.#applyStall(pair);
    for (const socket of [client, server]) {
      // Node's message is of no use here: one side's failure is the other side's reset.
      socket.on('error', () => resetPair(pair));
      socket.once('close', () => {
        if (!client.destroyed || !server.destroyed) return;
        pair.toServer.stop();
        pair.toClient.stop();
        this.#pairs.delete(pair);
      });
    }
  }

  #applyStall({ toServer, toClient }: Pair): void {
    toServer.isStalled = this.#stalled === 'to-server' || this.#stalled === 'both';
    toClient.isStalled = this.#stalled === 'to-client' || this.#stalled === 'both';
  }
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly toServer: Lane;
  readonly toClient: Lane;
}

function resetPair({ client, server }: Pair): void {
  client.resetAndDestroy();
  server.resetAndDestroy();
}

/** Held at most, delay included; then the sending side is not read. 16 MiB is 200 ms at 80 MB/s. */
const heldBytesMax = 16_777_216;
/** How often a limited lane hands out its share. */
const rateTickMs = 10;

/** A chunk and when it may go on; null: the end of the stream. */
interface Held {
  chunk: Buffer | null;
  readonly dueMs: number;
}

class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #options: LaneOptions;
  readonly #onPassed: (bytes: number) => void;
  readonly #cut: () => void;
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #passed = 0;
  #timer: NodeJS.Timeout | null = null;
  #isWriting = false;
  #isStalled = false;
  #isStopped = false;
  /** Rate limit: octets that may pass, refilled by time. */
  #allowance = 0;
  #refilledMs = performance.now();

  constructor(from: Socket, to: Socket, options: LaneOptions, onPassed: (bytes: number) => void, cut: () => void) {
    this.#from = from;
    this.#to = to;
    this.#options = options;
    this.#onPassed = onPassed;
    this.#cut = cut;
    from.on('data', (chunk: Buffer) => {
      this.#heldBytes += chunk.length;
      this.#hold(chunk);
      if (this.#heldBytes >= heldBytesMax) from.pause();
    });
    from.once('end', () => this.#hold(null));
  }

  set isStalled(isStalled: boolean) {
    this.#isStalled = isStalled;
    this.#pump();
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#held.length = 0;
  }

  #hold(chunk: Buffer | null): void {
    if (this.#isStopped) return;
    this.#held.push({ chunk, dueMs: performance.now() + (this.#options.delayMs ?? 0) });
    this.#pump();
  }

  #pump(): void {
    while (!this.#isStalled && !this.#isWriting && this.#timer === null && this.#held.length > 0) {
      const first = this.#held[0];
      const waitMs = first.dueMs - performance.now();
      if (waitMs > 0) {
        this.#pumpLater(waitMs);
        return;
      }
      if (first.chunk === null) {
        this.#held.shift();
        if (this.#options.forwardsEnd !== false) this.#to.end();
        continue;
      }
      const bytes = this.#permitted(first.chunk.length);
      if (bytes === 0) {
        this.#pumpLater(rateTickMs);
        return;
      }
      this.#pass(first, first.chunk, bytes);
    }
  }

  #pumpLater(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#pump();
    }, Math.ceil(ms));
  }

  /** How much of a chunk may go now. */
  #permitted(length: number): number {
    const { segmentBytes, bytesPerSecond, cutAtByte } = this.#options;
    let bytes = Math.min(length, segmentBytes ?? length);
    if (cutAtByte !== undefined) bytes = Math.min(bytes, Math.max(1, cutAtByte - this.#passed));
    if (bytesPerSecond === undefined) return bytes;
    const nowMs = performance.now();
    this.#allowance += ((nowMs - this.#refilledMs) * bytesPerSecond) / 1_000;
    this.#allowance = Math.min(this.#allowance, Math.max(1, bytesPerSecond / 10)); // a burst of 100 ms at most
    this.#refilledMs = nowMs;
    bytes = Math.min(bytes, Math.floor(this.#allowance));
    this.#allowance -= bytes;
    return bytes;
  }

  /** One write at a time: its callback says that the kernel has it, and keeps segments apart. */
  #pass(first: Held, chunk: Buffer, bytes: number): void {
    if (bytes === chunk.length) this.#held.shift();
    else first.chunk = chunk.subarray(bytes);
    this.#isWriting = true;
    this.#to.write(chunk.subarray(0, bytes), () => {
      this.#isWriting = false;
      this.#heldBytes -= bytes;
      if (this.#heldBytes < heldBytesMax) this.#from.resume();
      // A turn later, so that the reader can take each segment by itself.
      if (this.#options.segmentBytes === undefined) this.#pump();
      else setImmediate(() => this.#pump());
    });
    this.#passed += bytes;
    this.#onPassed(bytes);
    if (this.#passed < (this.#options.cutAtByte ?? Number.POSITIVE_INFINITY)) return;
    this.stop();
    this.#cut();
  }
}
