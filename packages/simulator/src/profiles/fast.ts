// Profile "fast": binds each secured socket to a FastConnection. For load benches; the rules are in profile "strict".
import type { TLSSocket } from 'node:tls';

import type { SimulatorCounters } from '../counters.ts';
import { increment } from '../counters.ts';
import type { SlabWriter } from '../http2-server/slab-outbox.ts';
import { SocketCarrier } from '../http2-server/socket-carrier.ts';
import { tlsWire } from '../http2-server/wire.ts';
import type { AcceptedSocket } from '../listener.ts';
import { systemClock } from '../seams.ts';
import { DelayedWrites } from './delayed-writes.ts';
import { FastConnection } from './fast-connection.ts';
import type { FastOptions } from './fast-connection.ts';
import type { Profile } from './profile.ts';

export class FastProfile implements Profile {
  readonly #counters: SimulatorCounters;
  readonly #options: FastOptions;
  readonly #replyMs: number;

  /** `replyMs`: it thinks so long about each reply. */
  constructor(counters: SimulatorCounters, options: FastOptions, replyMs = 0) {
    this.#counters = counters;
    this.#options = options;
    this.#replyMs = replyMs;
  }

  accept(socket: TLSSocket, accepted: AcceptedSocket): void {
    const carrier: SocketCarrier = new SocketCarrier(tlsWire(socket, accepted.raw), systemClock, {
      onBytes: (chunk) => connection.receive(chunk),
      onFlush: () => connection.flush(),
      onClosed: () => connection.stop(),
    });
    const write: SlabWriter = (bytes, done) => carrier.write(bytes, done);
    const connection = new FastConnection(
      carrier.outbox,
      this.#replyMs === 0 ? write : new DelayedWrites(this.#replyMs, systemClock, write).write,
      (message) => {
        increment(this.#counters.connectionFaults, message);
        carrier.end();
      },
      this.#counters,
      this.#options,
    );
    connection.start();
  }

  /** Faults run on the strict connection: see createProfile. */
  fire(): void {}

  /** Only a fault asks for it. */
  drop(): void {}

  /** So does the referee. */
  mark(): boolean {
    return false;
  }
}
