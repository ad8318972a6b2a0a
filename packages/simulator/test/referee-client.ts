// A gateway with a referee and one client to be judged: well behaved by default, with the same provider token on all its
// connections, and an answer for each PING, so that the referee can prove what it knew.
import { startSimulator } from '../src/index.ts';
import type { RefereeReport, RuleId, Simulator, SimulatorOptions } from '../src/index.ts';
import { providerToken } from './provider-token.ts';
import { TestClient } from './test-client.ts';
import type { ClientOptions } from './test-client.ts';

type Changes = Readonly<Record<string, string | null>>;

export class JudgedClient implements AsyncDisposable {
  readonly simulator: Simulator;
  readonly authorization: string;
  readonly #clients: TestClient[] = [];

  static async start(options: SimulatorOptions = {}): Promise<JudgedClient> {
    return new JudgedClient(await startSimulator({ referee: true, ...options }));
  }

  constructor(simulator: Simulator) {
    this.simulator = simulator;
    this.authorization = `bearer ${providerToken(simulator.identity)}`;
  }

  /** A connection that nothing was pushed on. */
  async dial(options: ClientOptions = {}): Promise<TestClient> {
    const client = await TestClient.connect(this.simulator, { answersPings: true, ...options });
    await client.until('settings');
    this.#clients.push(client);
    return client;
  }

  /** A connection whose first push was accepted, and that may have many streams. */
  async connect(): Promise<TestClient> {
    const client = await this.dial();
    await this.pushed(client);
    await client.until('settings', ({ values }) => (values[3] ?? 0) > 1);
    return client;
  }

  push(client: TestClient, changes: Changes = {}, body?: string | Buffer): number {
    return client.push({ authorization: this.authorization, ...changes }, body);
  }

  /** The status of one push. */
  async pushed(client: TestClient, changes: Changes = {}): Promise<string> {
    return (await client.answer(this.push(client, changes))).status;
  }

  get report(): RefereeReport {
    const report = this.simulator.report();
    if (report === null) throw new Error('there is no referee');
    return report;
  }

  /** The rules that were broken, each with how often. */
  get violations(): Partial<Record<RuleId, number>> {
    const broken = this.report.rules.filter(({ violations }) => violations > 0);
    return Object.fromEntries(broken.map(({ id, violations }) => [id, violations]));
  }

  /** Resolves when everything the gateway has said so far is proven to have arrived: no mark is due any more. */
  async known(): Promise<void> {
    // Two marks of a connection are 250 ms apart, and the gateway looks every 50 ms.
    const quietMs = 350;
    let quietSince = performance.now();
    let answered = -1;
    while (performance.now() - quietSince < quietMs) {
      const { marksSent, marksAnswered, marksLost } = this.report.observed;
      if (marksSent !== marksAnswered + marksLost || marksAnswered !== answered) quietSince = performance.now();
      answered = marksAnswered;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.simulator.close();
  }
}

/** A path with a device token of its own for each number. */
export function pathOf(number: number): string {
  return `/3/device/${number.toString(16).padStart(64, '0')}`;
}

/** An apns-id of its own for each number. */
export function apnsIdOf(number: number): string {
  return `8f14e45f-ceea-467a-9575-${number.toString(16).padStart(12, '0')}`;
}
