/** When a connection's time is over. The pool dials the replacement first, and lets the old one end when that is there. */
import type { Connection } from './connection.ts';
import type { PoolPolicy } from './pool-policy.ts';

export function isPastItsTime(connection: Connection, now: number): boolean {
  return now >= connection.retireAt || connection.streamsOpened >= connection.requestsMax;
}

/**
 * While work waits and no connection has a slot for it: a gateway that neither raises its window nor its stream limit
 * (reliability.md N10, N14), so that the connection lives and is of no use. As long as a request may take is long enough
 * to wait for either.
 */
export function isOfNoUse(connection: Connection, now: number, policy: PoolPolicy): boolean {
  const { usedAt, endedAt, replies } = connection;
  // One that answers has its slot back when a request has timed out; one that never did has had its chance.
  const since = replies === 0 ? usedAt : Math.max(usedAt, endedAt);
  return connection.openStreams === 0 && now - since >= policy.requestTimeoutMs;
}

/** The one that has carried nothing for longest, if it is long enough: the pool can do without it. */
export function findIdle(connections: readonly Connection[], now: number, policy: PoolPolicy): Connection | null {
  let idlest: Connection | null = null;
  for (const connection of connections) {
    if (connection.openStreams > 0 || now - connection.usedAt < policy.shrinkAfterMs) continue;
    if (idlest === null || connection.usedAt < idlest.usedAt) idlest = connection;
  }
  return idlest;
}
