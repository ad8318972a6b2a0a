/**
 * The sum of everything that the engine may hold at once, one line a term. Bytes a piece are measured or counted
 * (docs/LIMITS.md), rounded up; the JavaScript program itself, some 50 MB, is not in it.
 */
import type { EngineLimits } from './limits.ts';

export interface MemoryTerm {
  readonly name: keyof EngineLimits | 'connections' | 'workers';
  readonly most: number;
  /** Of one of them. */
  readonly bytesEach: number;
}

export interface MemoryUse {
  /** Calls of `sendAll`, `sendBytes` and `campaign` at a time. */
  readonly calls: number;
  /** Over all credentials and environments. */
  readonly connections: number;
  /** Threads that prepare. */
  readonly workers: number;
}

const mebibyte = 1024 * 1024;

export function memoryTerms(limits: EngineLimits, use: MemoryUse): readonly MemoryTerm[] {
  const { calls, connections, workers } = use;
  return [
    // A push of 170 bytes and its record of 72; half as many again may be on probation.
    { name: 'jobsMax', most: limits.jobsMax * 1.5, bytesEach: 242 },
    // … and a quarter for pushes that wait and hold their bytes beside those of their batch.
    { name: 'jobBytesMax', most: limits.jobBytesMax * 1.75, bytesEach: 1 },
    // Those not taken, and those of jobs under way, which settle whether anybody takes them or not.
    { name: 'receiptsMax', most: limits.receiptsMax * calls + limits.jobsMax * 1.5, bytesEach: 600 },
    // The door may be passed by one batch for each call; its arena has room for a quarter more.
    { name: 'batchBytes', most: limits.batchBytes * calls, bytesEach: 1.25 },
    // Lines and, beside them, what is made of them.
    { name: 'preparingBytesMax', most: limits.preparingBytesMax, bytesEach: 2.25 },
    // 1 kB: the promise, and the message that goes to the thread and back.
    { name: 'preparingMax', most: limits.preparingMax, bytesEach: 1024 },
    { name: 'restingDevicesMax', most: limits.restingDevicesMax, bytesEach: 250 },
    { name: 'deadDevicesMax', most: limits.deadDevicesMax, bytesEach: 250 },
    { name: 'suspectDevicesMax', most: limits.suspectDevicesMax, bytesEach: 250 },
    { name: 'sandboxDevicesMax', most: limits.sandboxDevicesMax, bytesEach: 250 },
    { name: 'pacedDevicesMax', most: limits.pacedDevicesMax, bytesEach: 250 },
    { name: 'headsMax', most: limits.headsMax * Math.max(1, connections), bytesEach: 600 },
    // 256 KiB that the socket holds and a slab; TLS and the tables of streams and headers, some 200 KiB.
    { name: 'connections', most: connections, bytesEach: 768 * 1024 },
    // The heap it may have; it uses some 15 MB.
    { name: 'workers', most: workers, bytesEach: 96 * mebibyte },
  ];
}

/** Bytes. */
export function memoryBytesMax(limits: EngineLimits, use: MemoryUse): number {
  return memoryTerms(limits, use).reduce((sum, { most, bytesEach }) => sum + most * bytesEach, 0);
}
