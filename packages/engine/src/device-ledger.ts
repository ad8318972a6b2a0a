/**
 * The ledger: what is known of device tokens, as a port. The engine looks at it for each push it sends and writes down
 * what APNs says; in memory and bounded by default (`device-table.ts`), an embedder may bring one that outlives the
 * process or is shared. A page for each thing that may be known:
 *
 *   dead      410: nothing goes there until the device registers again          since, EpochMs (Apple's timestamp)
 *   resting   429: nothing goes there for a while                               until, monotonic ms of this process
 *   suspects  BadDeviceToken, DeviceTokenNotForTopic: travels on probation      until, EpochMs
 */

import { RecordField } from '@carillon/payload';
import type { Push } from './push.ts';

/** Synchronous, and asked on the hot path: memory, not a disk. An error it throws surfaces as uncaught; the engine goes on as if it knew nothing. */
export interface LedgerPage {
  /** Entries. While it is 0 the engine asks for nothing. */
  readonly size: number;
  /**
   * What is noted of a device token; null: nothing. Its digits, lower-case hex in ASCII, stand in `bytes` from `start` to
   * `end`; the view is valid until this returns. `scope` is gateway and topic: what one says of a token means nothing in another.
   */
  find(scope: string, bytes: Buffer, start: number, end: number): number | null;
  /** Notes `at`, in place of what was noted before. `token` is lower-case hex. */
  set(scope: string, token: string, at: number): void;
  /** Forgets the token if what is noted of it is less than `at`. */
  deleteBefore(scope: string, token: string, at: number): void;
  /** What was noted up to `at`, that one included, means nothing any more and may be forgotten. Called once a second at most. */
  forgetUntil?(at: number): void;
}

export interface DeviceLedger {
  readonly dead: LedgerPage;
  /** Worth nothing to another process: its times are of this one's monotonic clock. */
  readonly resting: LedgerPage;
  readonly suspects: LedgerPage;
}

/** What a page says of a push's device token; null: nothing. A broadcast has none. */
export function notedOf(page: LedgerPage, push: Push, scope: string = push.head.scope): number | null {
  if (push.head.isBroadcast) return null;
  const { bytes, index } = push.arena;
  return page.find(scope, bytes, index[push.at + RecordField.tokenStart], index[push.at + RecordField.tokenEnd]);
}

/** An embedder's ledger, behind a guard: its errors are the embedder's, as those of `onEvent` are. */
export function guardedLedger({ dead, resting, suspects }: DeviceLedger): DeviceLedger {
  return { dead: new GuardedPage(dead), resting: new GuardedPage(resting), suspects: new GuardedPage(suspects) };
}

class GuardedPage implements LedgerPage {
  readonly #page: LedgerPage;

  constructor(page: LedgerPage) {
    this.#page = page;
  }

  get size(): number {
    return guarded(() => this.#page.size, 0);
  }

  find(scope: string, bytes: Buffer, start: number, end: number): number | null {
    return guarded(() => this.#page.find(scope, bytes, start, end), null);
  }

  set(scope: string, token: string, at: number): void {
    guarded(() => this.#page.set(scope, token, at), undefined);
  }

  deleteBefore(scope: string, token: string, at: number): void {
    guarded(() => this.#page.deleteBefore(scope, token, at), undefined);
  }

  forgetUntil(at: number): void {
    guarded(() => this.#page.forgetUntil?.(at), undefined);
  }
}

function guarded<T>(ask: () => T, otherwise: T): T {
  try {
    return ask();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
    return otherwise;
  }
}
