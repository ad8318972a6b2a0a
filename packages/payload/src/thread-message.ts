// What crosses between the sending thread and a worker thread, and how little of it is copied.
//
// In: the lines lie in memory that both threads see, so that they are still there when the worker dies with them, and
// cost one copy (from the caller's chunk, which may be reused at once). Memory of a task:
//
//     | mark, Int32: id of the thread that is at it, 0 before, -1 after | 4 unused | lines … |
//
// Out: arena, index and deadlines are transferred. Cloned: a few heads, and rejections and warnings, which are rare.

import { isFault, parsePushType, type Priority } from '@carillon/apns';
import type { PreparedBatch } from './prepared-batch.ts';

/** In place of a thread's id. */
export const Mark = { notBegun: 0, done: -1 } as const;

/** Where the lines begin in a task's memory. */
export const linesAt = 8;

export interface PrepareTask {
  readonly memory: SharedArrayBuffer;
  /** Positions in `memory`. */
  readonly start: number;
  readonly end: number;
  readonly firstLine: number;
  readonly lineBytesMax: number;
  readonly defaultPushType: string | null;
}

/** A HeadKey whose push type is named: the object itself would arrive as a copy. */
interface NamedHead {
  readonly app: string | null;
  readonly topic: string | null;
  readonly pushType: string;
  readonly priority: Priority;
  readonly isBroadcast: boolean;
}

export interface PreparedMessage extends Omit<PreparedBatch, 'bytes' | 'heads'> {
  readonly arena: ArrayBuffer;
  readonly arenaBytes: number;
  readonly heads: readonly NamedHead[];
}

/** The batch's buffers leave with the message when they are transferred: `buffersOf` names them. */
export function messageOf(batch: PreparedBatch): PreparedMessage {
  const { bytes, heads, ...same } = batch;
  // An arena begins its ArrayBuffer, but an empty one may share it with others (Node's pool).
  const arena = bytes.length === 0 ? new ArrayBuffer(0) : (bytes.buffer as ArrayBuffer); // never shared: allocUnsafeSlow
  const named = heads.map(({ app, topic, pushType, priority, isBroadcast }) => {
    return { app, topic, pushType: pushType.name, priority, isBroadcast };
  });
  return { ...same, arena, arenaBytes: bytes.length, heads: named };
}

export function buffersOf({ arena, index, deadlines }: PreparedMessage): ArrayBuffer[] {
  return [arena, index.buffer as ArrayBuffer, deadlines.buffer as ArrayBuffer]; // made by slice: never shared
}

export function batchOf(message: PreparedMessage): PreparedBatch {
  const { arena, arenaBytes, heads: named, ...same } = message;
  const heads = named.map(({ app, topic, pushType: name, priority, isBroadcast }) => {
    const pushType = parsePushType(name);
    if (isFault(pushType)) throw new Error(`a worker thread prepared a push of type ${name}, which is none`);
    return { app, topic, pushType, priority, isBroadcast };
  });
  return { ...same, bytes: Buffer.from(arena, 0, arenaBytes), heads };
}
