/**
 * What a load bench asks of a client process, and what the process answers. Plain values: they cross IPC.
 *
 * A client measures itself: `process.cpuUsage()` counts from the start of the process, so loading the client's code,
 * compiling it and dialling are in `cpuMicros`.
 */
export interface ClientTask {
  readonly port: number;
  readonly ca: string;
  readonly keyPem: string;
  readonly keyId: string;
  readonly teamId: string;
  readonly topic: string;
  readonly pushes: number;
  /** Where the client lets one choose. */
  readonly inFlight: number;
  readonly connections: number;
  readonly topics: number;
}

export interface ClientReport {
  /** Answers by HTTP status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly cpuMicros: number;
  /** From the first tenth of the answers to the last answer. */
  readonly steadyCpuMicros: number;
  readonly steadyPushes: number;
  /** From `begin`, before the first dial, to the last answer. */
  readonly wallMs: number;
  readonly peakRssMb: number;
  /** Of all pushes, from the stream's opening to its answer; where the client knows. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

export type ClientAnswer<Report = ClientReport> =
  | { readonly kind: 'report'; readonly report: Report }
  | { readonly kind: 'failed'; readonly message: string };

/** Counts answers, and reads the clocks at the three moments that matter. */
export class Meter {
  readonly #pushes: number;
  readonly #warm: number;
  readonly #statuses: Int32Array = new Int32Array(1000);
  #answers = 0;
  #beganAt = 0;
  #endedAt = 0;
  #warmCpu = 0;
  #endCpu = 0;

  constructor(pushes: number) {
    this.#pushes = pushes;
    this.#warm = Math.floor(pushes / 10);
  }

  /** Before the first dial. */
  begin(): void {
    this.#beganAt = performance.now();
  }

  /** One answer; 0 for a push that got none. */
  answered(status: number): void {
    this.#statuses[status]++;
    this.#answers++;
    if (this.#answers === this.#warm) this.#warmCpu = cpuMicros();
    if (this.#answers === this.#pushes) {
      this.#endedAt = performance.now();
      this.#endCpu = cpuMicros();
    }
  }

  get answers(): number {
    return this.#answers;
  }

  report(): ClientReport {
    if (this.#answers !== this.#pushes) throw new Error(`${this.#answers} answers to ${this.#pushes} pushes`);
    const statuses = [...this.#statuses.entries()].filter(([, count]) => count > 0);
    return {
      statuses: Object.fromEntries(statuses),
      cpuMicros: this.#endCpu,
      steadyCpuMicros: this.#endCpu - this.#warmCpu,
      steadyPushes: this.#pushes - this.#warm,
      wallMs: this.#endedAt - this.#beganAt,
      // maxRSS is in KiB on every platform that Node runs on.
      peakRssMb: process.resourceUsage().maxRSS / 1024,
    };
  }
}

/** Of this process since its start: user + system. */
function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** The main function of a client process of a load bench. */
export function serveTask(send: (task: ClientTask, meter: Meter) => Promise<Partial<ClientReport> | void>): void {
  serve(async (given): Promise<ClientReport> => {
    const task = given as ClientTask; // runClient sends nothing else
    const meter = new Meter(task.pushes);
    const more = (await send(task, meter)) ?? {};
    return { ...meter.report(), ...more };
  });
}

/** Takes one task from the parent, answers, and ends when the parent is gone. */
export function serve<Report>(run: (task: unknown) => Promise<Report>): void {
  process.on('SIGINT', () => {}); // Ctrl-C reaches the whole process group; the parent decides
  process.once('disconnect', () => process.exit(0));
  process.once('message', (task: unknown) => {
    const answer = async (): Promise<ClientAnswer<Report>> => {
      try {
        return { kind: 'report', report: await run(task) };
      } catch (error) {
        return { kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
      }
    };
    void answer().then((answered) => process.send?.(answered));
  });
}

/** Calls `one` for each push, `inFlight` at a time: each of that many loops sends its next when the last was answered. */
export async function inParallel(task: ClientTask, one: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < task.pushes) await one(next++);
  };
  await Promise.all(Array.from({ length: Math.min(task.inFlight, task.pushes) }, loop));
}
