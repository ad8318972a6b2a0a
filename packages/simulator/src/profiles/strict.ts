// Profile "strict" on our own frames: a StrictConnection for each secured socket, or each stream in memory.
import type { TLSSocket } from 'node:tls';

import type { FaultPlan } from '../faults/fault-plan.ts';
import { tlsWire } from '../http2-server/wire.ts';
import type { Wire } from '../http2-server/wire.ts';
import type { AcceptedSocket } from '../listener.ts';
import { readClientCertificate } from '../rules/client-certificate.ts';
import type { Http2Options } from '../simulator-options.ts';
import type { Gateway } from './gateway.ts';
import type { Profile } from './profile.ts';
import { StrictConnection } from './strict-connection.ts';
import type { ConnectedPeer } from './strict-connection.ts';

export class StrictProfile implements Profile {
  readonly #gateway: Gateway;
  readonly #http2: Http2Options;
  readonly #plan: FaultPlan;
  readonly #connections = new Set<StrictConnection>();

  constructor(gateway: Gateway, http2: Http2Options, plan: FaultPlan) {
    this.#gateway = gateway;
    this.#http2 = http2;
    this.#plan = plan;
  }

  accept(socket: TLSSocket, { raw, ordinal }: AcceptedSocket): void {
    const certificate = readClientCertificate(socket.getPeerCertificate().raw);
    this.open(tlsWire(socket, raw), { ordinal, address: socket.remoteAddress ?? '', certificate });
  }

  /** A connection over any stream. */
  open(wire: Wire, peer: ConnectedPeer): void {
    const connection = new StrictConnection(wire, peer, {
      gateway: this.#gateway,
      http2: this.#http2,
      watch: this.#plan.watch(peer.ordinal),
      frameBytesMax: this.#plan.frameBytesMax,
      watched: this.#gateway.referee?.connection(peer.ordinal) ?? null,
    });
    this.#connections.add(connection);
    wire.stream.once('close', () => this.#connections.delete(connection));
  }

  fire(faultId: string): void {
    for (const connection of this.#connections) connection.onCommand(faultId);
  }

  drop(): void {
    for (const connection of this.#connections) connection.drop();
  }

  mark(): boolean {
    for (const connection of this.#connections) connection.mark();
    return this.#connections.size > 0;
  }
}
