// Profile "strict" on our own frames: a StrictConnection for each secured socket.
import type { TLSSocket } from 'node:tls';

import type { FaultPlan } from '../faults/fault-plan.ts';
import type { AcceptedSocket } from '../listener.ts';
import type { Http2Options } from '../simulator-options.ts';
import type { Gateway } from './gateway.ts';
import type { Profile } from './profile.ts';
import { StrictConnection } from './strict-connection.ts';

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

  accept(socket: TLSSocket, accepted: AcceptedSocket): void {
    const connection = new StrictConnection(socket, accepted, {
      gateway: this.#gateway,
      http2: this.#http2,
      watch: this.#plan.watch(accepted.ordinal),
      frameBytesMax: this.#plan.frameBytesMax,
      watched: this.#gateway.referee?.connection(accepted.ordinal) ?? null,
    });
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
  }

  fire(faultId: string): void {
    for (const connection of this.#connections) connection.onCommand(faultId);
  }

  mark(): void {
    for (const connection of this.#connections) connection.mark();
  }
}
