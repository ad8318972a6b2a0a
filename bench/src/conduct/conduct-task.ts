/** What the conduct bench asks of a sender's process, and what the process answers. Plain values: they cross IPC. */

export interface ConductTask {
  readonly port: number;
  readonly ca: string;
  readonly jobs: number;
  /** By place in `appNames`. */
  readonly apps: readonly ConductApp[];
  /** Where receipts go, for senders that write some. */
  readonly receipts: string;
  /** What is not settled by then is not waited for; null: no end. */
  readonly boundMs: number | null;
}

export interface ConductApp {
  readonly topic: string;
  readonly credential:
    | { readonly kind: 'token'; readonly key: string; readonly keyId: string; readonly teamId: string }
    | { readonly kind: 'certificate'; readonly cert: string; readonly key: string };
}

export interface ConductReport {
  /** Jobs whose caller was told something. */
  readonly settled: number;
  readonly cpuMicros: number;
  readonly peakRssMb: number;
  readonly settling: Settling;
  /** What callers were told, with how often; for senders without receipts. */
  readonly told: Readonly<Record<string, number>>;
}

/** When jobs were settled: how many in each interval since `beganAt`, epoch ms, when the first job was given. */
export interface Settling {
  readonly beganAt: number;
  readonly intervalMs: number;
  readonly counts: readonly number[];
}

/** 20 ms: a gap of a second is known to a few per cent. */
const intervalMs = 20;

export class SettlingCounter {
  readonly #beganAt = Date.now();
  readonly #counts: number[] = [];
  settled = 0;

  add(count: number): void {
    this.settled += count;
    const interval = Math.max(0, Math.floor((Date.now() - this.#beganAt) / intervalMs));
    while (this.#counts.length <= interval) this.#counts.push(0);
    this.#counts[interval] += count;
  }

  report(): Settling {
    return { beganAt: this.#beganAt, intervalMs, counts: this.#counts };
  }
}
