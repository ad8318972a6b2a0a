/**
 * Feeds the recipients of a campaign: pulls their source while there is room, makes records of them and routes those.
 * Prepared on this thread: a recipient costs less than handing it to another one would (docs/CAMPAIGNS.md has the figures).
 */
import { LineSplitter } from '@carillon/payload';
import type { LinePiece, Recipient, RecipientsBuilder } from '@carillon/payload';
import type { CampaignRun } from './campaign-run.ts';
import { admit, isFull, room, untilStopped } from './feed.ts';
import type { FeedContext } from './feed.ts';

/** Device tokens or objects, one each; or the bytes of a list, cut anywhere. */
export type Recipients =
  | Iterable<string | Recipient>
  | AsyncIterable<string | Recipient>
  | Iterable<Uint8Array>
  | AsyncIterable<Uint8Array>;

/** More make latency lumpier and save nothing. */
const recipientsPerBatch = 1024;

export class CampaignFeed {
  readonly #run: CampaignRun;
  readonly #builder: RecipientsBuilder;
  readonly #splitter: LineSplitter;
  readonly #context: FeedContext;
  #read = 0;
  #readBytes = 0;
  #isFlushDue = false;

  constructor(run: CampaignRun, builder: RecipientsBuilder, context: FeedContext) {
    this.#run = run;
    this.#builder = builder;
    this.#context = context;
    this.#splitter = new LineSplitter({ pieceBytesMax: context.pipeline.settings.limits.batchBytes });
  }

  /** Recipients read, those refused included and those of an earlier run not. */
  get read(): number {
    return this.#read;
  }

  /** Bytes of lines that were taken in. */
  get readBytes(): number {
    return this.#readBytes;
  }

  get skipped(): number {
    return this.#builder.skipped;
  }

  /** To the end of the source, or until it is stopped. A line that was read in part is not sent then. */
  async feed(recipients: Recipients): Promise<void> {
    const { stop } = this.#context;
    await this.#room();
    try {
      for await (const item of untilStopped<string | Recipient | Uint8Array>(recipients, stop)) {
        if (item instanceof Uint8Array) await this.#takeChunk(this.#splitter.split(item));
        else await this.#takeOne(item);
        if (stop.aborted || this.#builder.isStopped) return;
      }
      if (!stop.aborted) await this.#takeChunk(this.#splitter.end());
    } finally {
      // What was read is finished, also when the source failed.
      this.#flush();
    }
  }

  async #takeOne(recipient: string | Recipient): Promise<void> {
    this.#builder.addRecipient(recipient);
    const isBatch = this.#builder.recipients >= Math.min(recipientsPerBatch, this.#run.room);
    // Looked at with each: a source that gives one in each turn never fills a batch.
    if (isBatch || this.#run.isFull || isFull(this.#run, this.#context)) {
      this.#flush();
      await this.#room();
    } else if (!this.#isFlushDue) {
      // A slow source: who has come does not wait for who has not.
      this.#isFlushDue = true;
      this.#context.pipeline.clock.endOfTurn(() => this.#flush());
    }
  }

  async #takeChunk(pieces: Iterable<LinePiece>): Promise<void> {
    const { stop } = this.#context;
    for (const piece of pieces) {
      await this.#room();
      if (stop.aborted || this.#builder.isStopped) return;
      if (piece.kind === 'rejected') {
        this.#read++;
        this.#run.refuse([piece.rejection]);
        continue;
      }
      this.#builder.begin(piece.bytes, piece.firstLine);
      while (!this.#builder.addLines(Math.min(recipientsPerBatch, this.#run.room))) {
        this.#flush();
        await this.#room();
        if (stop.aborted) return;
      }
      this.#flush();
      this.#readBytes += piece.bytes.length;
    }
  }

  #flush(): void {
    this.#isFlushDue = false;
    const { recipients } = this.#builder;
    if (recipients === 0) return;
    this.#read += recipients;
    admit(this.#run, this.#builder.take(), this.#context);
  }

  async #room(): Promise<void> {
    // Looked at again without waiting in between: other feeders wake at the same time.
    do {
      await this.#run.roomAhead(this.#context.stop);
      await room(this.#run, this.#context);
    } while ((isFull(this.#run, this.#context) || this.#run.room === 0) && !this.#context.stop.aborted);
  }
}
