/**
 * Where a session writes. The connection owns the memory (slabs, reused); the session appends and never reads back.
 *
 *   bytes   |#################|.......................|
 *           0                 length                  bytes.length
 */
export interface Outbox {
  /** The slab being filled. May be another one after `reserve`. */
  bytes: Buffer;
  /** How much of it is filled. The owner sets it back to 0 when it has taken the bytes. */
  length: number;
  /** Afterwards bytes[length … length + size) is writable. */
  reserve(size: number): void;
}
