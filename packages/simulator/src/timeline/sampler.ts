// Follows a run for its timeline: events and the time go in, a number for each bucket comes out. Pure, and bounded whatever
// the length of the run: about 0.3 MB (docs/LIMITS.md has the sum).
import type { RuleId } from '../referee/rules.ts';
import { BucketScale, CountSeries, DurationSeries, LevelSeries } from './series.ts';
import { replyClasses, replyClassOf } from './timeline.ts';
import type { ConnectionLine, ReplyClass, Timeline } from './timeline.ts';

/** Connections with a line of their own, and names of faults: what a person can still tell apart. */
export const linesMax = 48;
export const faultsMax = 16;

export class TimelineSampler {
  readonly #scale = new BucketScale();
  readonly #requests: CountSeries = this.#scale.add(new CountSeries());
  readonly #replies: Record<ReplyClass, CountSeries>;
  readonly #durations: DurationSeries = this.#scale.add(new DurationSeries());
  readonly #inFlight: LevelSeries = this.#scale.add(new LevelSeries(0));
  readonly #open: LevelSeries = this.#scale.add(new LevelSeries(0));
  readonly #faults = new Map<string, CountSeries>();
  readonly #violations = new Map<RuleId, { readonly series: CountSeries; readonly firstAt: number }>();
  readonly #lines = new Map<number, Line>();
  #streams = 0;
  #connections = 0;
  #leftOut = 0;

  constructor() {
    const entries = replyClasses.map((name) => [name, this.#scale.add(new CountSeries())] as const);
    this.#replies = Object.fromEntries(entries) as Record<ReplyClass, CountSeries>; // one entry for each class
  }

  connectionOpened(ordinal: number, now: number): void {
    const bucket = this.#scale.bucketOf(now);
    this.#connections += 1;
    this.#open.set(bucket, this.#connections);
    if (this.#lines.size >= linesMax && !this.#dropLine()) {
      this.#leftOut += 1;
      return;
    }
    const line = new Line(ordinal, bucket, now);
    this.#scale.add(line);
    this.#lines.set(ordinal, line);
  }

  /** What it proves its right to push with: the first is kept. */
  credentialSeen(ordinal: number, credential: string): void {
    const line = this.#lines.get(ordinal);
    if (line !== undefined) line.credential ??= credential;
  }

  /** `streams`: as many as are open on this connection now; `limit`: as many as its client knew to be allowed. */
  streamOpened(ordinal: number, streams: number, limit: number, now: number): void {
    const bucket = this.#scale.bucketOf(now);
    this.#streams += 1;
    this.#inFlight.set(bucket, this.#streams);
    const line = this.#lines.get(ordinal);
    if (line === undefined) return;
    line.inFlight.set(bucket, streams);
    line.limit.set(bucket, limit);
  }

  /** The client has learned of another limit. */
  limitKnown(ordinal: number, limit: number, now: number): void {
    this.#lines.get(ordinal)?.limit.set(this.#scale.bucketOf(now), limit);
  }

  requested(ordinal: number, now: number): void {
    this.#requests.add(this.#scale.bucketOf(now));
    const line = this.#lines.get(ordinal);
    if (line !== undefined) line.requests += 1;
  }

  replied(
    ordinal: number,
    streams: number,
    reply: { readonly status: number; readonly tookMs: number },
    now: number,
  ): void {
    const bucket = this.#scale.bucketOf(now);
    this.#replies[replyClassOf(reply.status)].add(bucket);
    this.#durations.add(bucket, reply.tookMs);
    this.#streamEnded(ordinal, streams, bucket);
  }

  /** A stream ended without an answer. */
  unanswered(ordinal: number, streams: number, now: number): void {
    const bucket = this.#scale.bucketOf(now);
    this.#replies.unanswered.add(bucket);
    this.#streamEnded(ordinal, streams, bucket);
  }

  goAwaySent(ordinal: number, now: number): void {
    const line = this.#lines.get(ordinal);
    if (line !== undefined) line.goAwayAt ??= now;
    this.#scale.bucketOf(now);
  }

  connectionClosed(ordinal: number, now: number): void {
    const bucket = this.#scale.bucketOf(now);
    this.#connections -= 1;
    this.#open.set(bucket, this.#connections);
    const line = this.#lines.get(ordinal);
    if (line !== undefined) line.closedAt = now;
  }

  faultFired(id: string, now: number): void {
    const isNew = !this.#faults.has(id);
    const name = isNew && this.#faults.size >= faultsMax ? 'others' : id;
    let series = this.#faults.get(name);
    if (series === undefined) {
      series = this.#scale.add(new CountSeries());
      this.#faults.set(name, series);
    }
    series.add(this.#scale.bucketOf(now));
  }

  /** `ordinal` null: it concerns no one connection. */
  violated(rule: RuleId, ordinal: number | null, now: number): void {
    let found = this.#violations.get(rule);
    if (found === undefined) {
      found = { series: this.#scale.add(new CountSeries()), firstAt: now };
      this.#violations.set(rule, found);
    }
    found.series.add(this.#scale.bucketOf(now));
    const line = ordinal === null ? undefined : this.#lines.get(ordinal);
    if (line !== undefined) line.violations += 1;
  }

  timeline(): Timeline {
    const { startMs, bucketMs, lastBucket } = this.#scale;
    const buckets = lastBucket + 1;
    const counts = (series: CountSeries): number[] => [...series.counts.subarray(0, buckets)];
    const percentiles = (percent: number): (number | null)[] =>
      Array.from({ length: buckets }, (_, bucket) => this.#durations.percentile(bucket, percent));
    return {
      startedAt: Number.isNaN(startMs) ? null : new Date(startMs).toISOString(),
      bucketMs,
      buckets,
      requests: counts(this.#requests),
      replies: Object.fromEntries(replyClasses.map((name) => [name, counts(this.#replies[name])])) as Record<
        ReplyClass,
        number[]
      >, // one entry for each class
      inFlight: this.#inFlight.until(lastBucket),
      open: this.#open.until(lastBucket),
      p50Ms: percentiles(50),
      p99Ms: percentiles(99),
      connections: [...this.#lines.values()]
        .sort((a, b) => a.ordinal - b.ordinal)
        .map((line) => line.toReport(startMs, bucketMs, lastBucket)),
      connectionsLeftOut: this.#leftOut,
      faults: [...this.#faults].map(([id, series]) => ({ id, total: series.total, counts: counts(series) })),
      violations: [...this.#violations].map(([rule, { series, firstAt }]) => ({
        rule,
        total: series.total,
        firstAt: new Date(firstAt).toISOString(),
        counts: counts(series),
      })),
    };
  }

  #streamEnded(ordinal: number, streams: number, bucket: number): void {
    this.#streams -= 1;
    this.#inFlight.set(bucket, this.#streams);
    this.#lines.get(ordinal)?.inFlight.set(bucket, streams);
  }

  /** Makes room: of the connections that are over, the one that carried least goes. False: none is over. */
  #dropLine(): boolean {
    let least: Line | null = null;
    for (const line of this.#lines.values()) {
      if (line.closedAt === null) continue;
      if (least === null || weightOf(line) < weightOf(least)) least = line;
    }
    if (least === null) return false;
    this.#lines.delete(least.ordinal);
    this.#scale.remove(least);
    this.#leftOut += 1;
    return true;
  }
}

/** A violation is worth looking at however little its connection carried. */
function weightOf({ requests, violations }: Line): number {
  return violations > 0 ? Number.POSITIVE_INFINITY : requests;
}

class Line {
  readonly ordinal: number;
  readonly openedAt: number;
  credential: string | null = null;
  goAwayAt: number | null = null;
  closedAt: number | null = null;
  requests = 0;
  violations = 0;
  readonly inFlight: LevelSeries;
  readonly limit: LevelSeries;

  constructor(ordinal: number, bucket: number, openedAt: number) {
    this.ordinal = ordinal;
    this.openedAt = openedAt;
    this.inFlight = new LevelSeries(bucket);
    this.limit = new LevelSeries(bucket);
  }

  halve(): void {
    this.inFlight.halve();
    this.limit.halve();
  }

  toReport(startMs: number, bucketMs: number, lastBucket: number): ConnectionLine {
    const lastOwn = this.closedAt === null ? lastBucket : Math.floor((this.closedAt - startMs) / bucketMs);
    // A clock that was set back may close a connection before its last event.
    const last = Math.min(lastBucket, Math.max(lastOwn, this.inFlight.firstBucket));
    return {
      ordinal: this.ordinal,
      credential: this.credential,
      openedMs: this.openedAt - startMs,
      goAwayMs: this.goAwayAt === null ? null : this.goAwayAt - startMs,
      closedMs: this.closedAt === null ? null : this.closedAt - startMs,
      requests: this.requests,
      violations: this.violations,
      firstBucket: this.inFlight.firstBucket,
      inFlight: this.inFlight.until(last),
      limit: this.limit.until(last).map((limit) => (Number.isFinite(limit) ? limit : null)),
    };
  }
}
