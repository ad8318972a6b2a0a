// What fault actions may do with a connection: its HTTP/2 side, its socket side, and time.
import type { ServerConnection } from '../http2-server/server-connection.ts';
import type { SocketCarrier } from '../http2-server/socket-carrier.ts';

export interface ActedConnection {
  readonly http2: ServerConnection;
  readonly carrier: SocketCarrier;
  pingAnswers: PingAnswers;
  /** Later, unless the connection is gone by then. */
  after(delayMs: number, then: () => void): void;
  /** Ends the connection when the last stream that is still served has its answer. */
  closeWhenAnswered(): void;
  /** Drops every connection of the gateway and comes back later. */
  restartGateway(awayMs: number): void;
}

export interface PingAnswers {
  readonly how: 'right' | 'none' | 'late' | 'wrong';
  readonly delayMs: number;
}
