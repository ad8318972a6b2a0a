// One number a bucket, for a run of any length: when the buckets are used up their width doubles, and each series merges
// two by two.

/** 240: more than a picture of 1,200 pixels can show apart, beside its labels. */
export const bucketsMax = 240;
/** 50 ms: the first 12 s of a run are told apart so finely. */
export const bucketMsMin = 50;

interface Series {
  /** Merges buckets two by two. */
  halve(): void;
}

/** Which bucket a time is in, and when the width doubles. */
export class BucketScale {
  bucketMs: number = bucketMsMin;
  /** Epoch ms; NaN: nothing has happened. */
  startMs: number = Number.NaN;
  /** -1: none. */
  lastBucket = -1;
  readonly #series = new Set<Series>();

  add<S extends Series>(series: S): S {
    this.#series.add(series);
    return series;
  }

  remove(series: Series): void {
    this.#series.delete(series);
  }

  /** Never less than the last one: a clock that was set back goes on in the bucket that it had reached. */
  bucketOf(now: number): number {
    if (Number.isNaN(this.startMs)) this.startMs = now;
    let bucket = Math.floor((now - this.startMs) / this.bucketMs);
    while (bucket >= bucketsMax) {
      for (const series of this.#series) series.halve();
      this.bucketMs *= 2;
      this.lastBucket >>= 1;
      bucket = Math.floor((now - this.startMs) / this.bucketMs);
    }
    if (bucket > this.lastBucket) this.lastBucket = bucket;
    return this.lastBucket;
  }
}

/** Events in each bucket. */
export class CountSeries implements Series {
  readonly counts: Float64Array = new Float64Array(bucketsMax);
  total = 0;

  add(bucket: number): void {
    this.counts[bucket] += 1;
    this.total += 1;
  }

  halve(): void {
    for (let at = 0; at < bucketsMax / 2; at += 1) this.counts[at] = this.counts[2 * at] + this.counts[2 * at + 1];
    this.counts.fill(0, bucketsMax / 2);
  }
}

/** A level that holds until it is set anew: the highest in each bucket. */
export class LevelSeries implements Series {
  readonly #values = new Float64Array(bucketsMax);
  #level = 0;
  #firstBucket: number;
  #lastBucket: number;

  constructor(bucket: number) {
    this.#firstBucket = bucket;
    this.#lastBucket = bucket;
  }

  set(bucket: number, level: number): void {
    if (bucket !== this.#lastBucket) this.#holdUntil(bucket);
    if (level > this.#values[bucket]) this.#values[bucket] = level;
    this.#level = level;
  }

  get firstBucket(): number {
    return this.#firstBucket;
  }

  /** From the first bucket to `bucket`. */
  until(bucket: number): number[] {
    if (bucket > this.#lastBucket) this.#holdUntil(bucket);
    return [...this.#values.subarray(this.#firstBucket, bucket + 1)];
  }

  halve(): void {
    const values = this.#values;
    for (let at = 0; at < bucketsMax / 2; at += 1) values[at] = Math.max(values[2 * at], values[2 * at + 1]);
    values.fill(0, bucketsMax / 2);
    this.#firstBucket >>= 1;
    this.#lastBucket >>= 1;
  }

  #holdUntil(bucket: number): void {
    this.#values.fill(this.#level, this.#lastBucket + 1, bucket + 1);
    this.#lastBucket = bucket;
  }
}

/** Four steps an octave from 1 ms: what is read off is at most 19 % too much. */
const stepsAnOctave = 4;
const steps = 64;

/** Durations in each bucket, in steps that grow with them. */
export class DurationSeries implements Series {
  readonly #counts = new Uint32Array(bucketsMax * steps);

  add(bucket: number, durationMs: number): void {
    this.#counts[bucket * steps + stepOf(durationMs)] += 1;
  }

  /** So many per cent of the bucket took at most so long. Null: it has none. */
  percentile(bucket: number, percent: number): number | null {
    const counts = this.#counts.subarray(bucket * steps, (bucket + 1) * steps);
    const wanted = counts.reduce((sum, count) => sum + count, 0) * (percent / 100);
    if (wanted === 0) return null;
    let seen = 0;
    const step = counts.findIndex((count) => (seen += count) >= wanted);
    return Math.round(2 ** (step / stepsAnOctave) * 10) / 10;
  }

  halve(): void {
    const half = bucketsMax / 2;
    for (let at = 0; at < half * steps; at += 1) {
      const from = 2 * Math.floor(at / steps) * steps + (at % steps);
      this.#counts[at] = this.#counts[from] + this.#counts[from + steps];
    }
    this.#counts.fill(0, half * steps);
  }
}

function stepOf(durationMs: number): number {
  if (durationMs <= 1) return 0;
  return Math.min(steps - 1, Math.ceil(Math.log2(durationMs) * stepsAnOctave));
}
