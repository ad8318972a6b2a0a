/** One call about channels under way: its bytes, where it stands, and its one end. */
import {
  apnsIdBytes,
  channelCreation,
  channelRequests,
  channelSlots,
  type ApnsId,
  type ChannelId,
  type ChannelOperation,
  type StoragePolicy,
  type Topic,
} from '@carillon/apns';
import { ChannelError } from './channel-error.ts';
import type { ChannelErrorCode, ChannelErrorFacts } from './channel-error.ts';

/** What came back for a call that succeeded. */
export interface ChannelAnswer {
  /** `delete` found nothing to delete. */
  readonly isAbsent: boolean;
  /** `apns-channel-id` and `apns-request-id` as they came. */
  readonly channel: string | null;
  readonly requestId: string | null;
  readonly body: string;
  /** The answer was longer than what is kept of one. */
  readonly isCut: boolean;
}

export interface ChannelCallOptions {
  readonly operation: ChannelOperation;
  readonly app: string;
  readonly bundleId: Topic;
  /** Null where the operation names none. */
  readonly channel: ChannelId | null;
  /** Of `create`. */
  readonly storagePolicy: StoragePolicy | null;
  readonly requestId: ApnsId;
  readonly signal: AbortSignal | undefined;
}

/** The answer, or an error; whichever comes first, and nothing after it. */
export class ChannelCall {
  readonly operation: ChannelOperation;
  readonly bundleId: Topic;
  readonly signal: AbortSignal | undefined;
  readonly requestId: ApnsId;
  /** channel | request id | body */
  readonly bytes: Buffer;
  /** By `channelSlots`. */
  readonly spans: Int32Array;
  readonly bodyStart: number;
  /** Attempts that may have been processed. */
  attempts = 0;
  /** Those that surely were not. */
  resends = 0;
  /** Refused because its provider token was too old. */
  isTokenRenewed = false;
  /** An attempt was sent whose answer never came. */
  isAmbiguous = false;
  readonly answered: Promise<ChannelAnswer>;
  readonly #app: string;
  readonly #channel: ChannelId | null;
  #resolve: (answer: ChannelAnswer) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  constructor({ operation, app, bundleId, channel, storagePolicy, requestId, signal }: ChannelCallOptions) {
    this.operation = operation;
    this.bundleId = bundleId;
    this.signal = signal;
    this.requestId = requestId;
    this.#app = app;
    this.#channel = channel;
    const channelBytes = Buffer.from(channel ?? '', 'latin1');
    const body = storagePolicy === null ? Buffer.alloc(0) : channelCreation(storagePolicy);
    this.bytes = Buffer.concat([channelBytes, Buffer.from(requestId, 'latin1'), body]);
    this.bodyStart = channelBytes.length + apnsIdBytes;
    this.spans = Int32Array.of(-1, -1, -1, -1);
    if (channel !== null) this.#span(channelSlots.channel, 0, channelBytes.length);
    this.#span(channelSlots.requestId, channelBytes.length, this.bodyStart);
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get isIdempotent(): boolean {
    return channelRequests[this.operation].isIdempotent;
  }

  succeed(answer: ChannelAnswer): void {
    this.#resolve(answer);
  }

  fail(code: ChannelErrorCode, message: string, facts: Omit<ChannelErrorFacts, 'operation' | 'app'> = {}): void {
    this.#reject(this.errorOf(code, message, facts));
  }

  failWith(error: Error): void {
    this.#reject(error);
  }

  errorOf(
    code: ChannelErrorCode,
    message: string,
    facts: Omit<ChannelErrorFacts, 'operation' | 'app'> = {},
  ): ChannelError {
    const { operation, requestId } = this;
    const text = `channels ${operation} (${this.#app}): ${message}`;
    return new ChannelError(code, text, { operation, app: this.#app, channel: this.#channel, requestId, ...facts });
  }

  #span(slot: number, start: number, end: number): void {
    this.spans[2 * slot] = start;
    this.spans[2 * slot + 1] = end;
  }
}
