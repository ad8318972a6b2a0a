/** The engine in numbers: a plain object, a snapshot. */
import type { EngineCounters } from './counters.ts';
import type { Outlet } from './outlet.ts';
import type { Pipeline } from './pipeline.ts';

export interface EngineStats extends Readonly<EngineCounters> {
  /** Jobs taken in since the start, and those under way, with their bytes. */
  readonly admitted: number;
  readonly jobs: number;
  readonly jobBytes: number;
  /** Where the pushes under way are. */
  readonly waiting: number;
  readonly onWire: number;
  readonly putOff: number;
  readonly connections: number;
  readonly usableConnections: number;
  readonly dialing: number;
  readonly dials: number;
  readonly dialFailures: number;
  /** Bytes that sockets hold. */
  readonly socketBytes: number;
}

export function statsOf(pipeline: Pipeline, outlets: Iterable<Outlet>): EngineStats {
  const sums = { waiting: 0, onWire: 0, connections: 0, usableConnections: 0, dialing: 0, dials: 0, dialFailures: 0, socketBytes: 0 };
  for (const outlet of outlets) {
    const pool = outlet.pool.stats();
    sums.waiting += outlet.waiting;
    sums.onWire += outlet.onWire;
    sums.connections += pool.connections;
    sums.usableConnections += pool.usable;
    sums.dialing += pool.dialing;
    sums.dials += pool.dials;
    sums.dialFailures += pool.dialFailures;
    sums.socketBytes += pool.bytesHeld;
  }
  const { admission, counters } = pipeline;
  return { ...counters, admitted: admission.admitted, jobs: admission.jobs, jobBytes: admission.bytes, putOff: pipeline.delayed.size, ...sums };
}
