// Pushes of late, by apns-id: what became of each, so that one that comes again can be asked for its cause.
import { BoundedMemory } from './bounded-memory.ts';
import type { ProofOfReceipt, Told } from './proof-of-receipt.ts';

/**
 * open: no answer yet. final: answered for good. retryable: answered, and may come again after `notBeforeMs`.
 * excused: it may come again at any time, for no answer can have arrived that forbids it.
 */
export type PushState = 'open' | 'final' | 'retryable' | 'excused';

export class PushRecord implements Told {
  readonly by: ProofOfReceipt;
  readonly connection: number;
  readonly streamId: number;
  state: PushState = 'open';
  /** Of its answer. */
  place = 0;
  status = 0;
  notBeforeMs = 0;

  constructor(by: ProofOfReceipt, connection: number, streamId: number) {
    this.by = by;
    this.connection = connection;
    this.streamId = streamId;
  }
}

export class PushHistory {
  readonly #records: BoundedMemory<PushRecord>;

  constructor(pushesMax: number) {
    this.#records = new BoundedMemory(pushesMax);
  }

  get forgotten(): number {
    return this.#records.forgotten;
  }

  /** The attempt before this one, which takes its place. */
  replace(key: string, record: PushRecord): PushRecord | null {
    const before = this.#records.get(key);
    this.#records.set(key, record);
    return before;
  }
}
