// What the listener hands secured connections to: one implementation a profile and stack.
import type { TLSSocket } from 'node:tls';

import type { AcceptedSocket } from '../listener.ts';

export interface Profile {
  accept(socket: TLSSocket, accepted: AcceptedSocket): void;
  /** Ends every connection at once, as the end of the process would. */
  drop(): void;
  /** Fires a scripted fault on every open connection. */
  fire(faultId: string): void;
  /**
   * Sends the referee's PINGs where they are due. Called several times a second while there is a referee and somebody is
   * connected; false: nobody is.
   */
  mark(): boolean;
}
