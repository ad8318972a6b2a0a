// One world from its plan to its end: engine, gateways and faults in one process, on one clock. Gives what was seen, for
// `judge.ts` to hold against the invariants.
import { createEngine } from '../../packages/engine/src/index.ts';
import type { AppOptions, Engine, EngineEvent, EngineOptions, EngineStats } from '../../packages/engine/src/index.ts';
import { embedGateway } from '../../packages/simulator/src/index.ts';
import type {
  EmbeddedGateway,
  LedgerEntry,
  RefereeReport,
  RuleId,
  SimulatorStats,
} from '../../packages/simulator/src/index.ts';
import { Audit } from './audit.ts';
import type { Breach } from './audit.ts';
import { Caller } from './calls.ts';
import type { CallRecord } from './calls.ts';
import { allKeys, credentialOf, gatewayIdentity } from './credentials.ts';
import { Dice } from './dice.ts';
import { Network } from './network.ts';
import { timeLimitMs } from './plan.ts';
import type { AppPlan, Plan } from './plan.ts';
import { Trace } from './trace.ts';
import { takeTurn } from './turns.ts';
import type { Stage } from './turns.ts';
import { VirtualTime } from './virtual-time.ts';
import type { PassingEnd } from './virtual-time.ts';

/** What a test puts between engine and world, to see it convicted. */
export interface Sabotage {
  readonly options?: (options: EngineOptions) => EngineOptions;
  readonly engine?: (engine: Engine) => Engine;
}

export interface Observed {
  readonly plan: Plan;
  readonly end: PassingEnd;
  readonly calls: readonly CallRecord[];
  /** Of all gateways, in the order of their requests. */
  readonly ledger: readonly LedgerEntry[];
  readonly gateways: readonly { readonly report: RefereeReport; readonly stats: SimulatorStats }[];
  /** What the referees had found when the engine began to close: a process that ends gives up all it has at once. */
  readonly violationsBeforeTheEnd: ReadonlyMap<RuleId, number>;
  readonly events: readonly EngineEvent[];
  readonly stats: EngineStats;
  readonly breaches: readonly Breach[];
  /** Exceptions and rejections that nobody caught. */
  readonly escaped: readonly unknown[];
  /** Timers that the engine left behind. */
  readonly timersLeft: number;
  readonly wasClosedEarly: boolean;
  readonly virtualMs: number;
  readonly worldEvents: number;
  readonly dials: number;
  readonly connections: number;
  readonly looks: number;
  readonly hash: string;
}

export interface RunOptions {
  readonly write?: (line: string) => void;
  readonly sabotage?: Sabotage;
}

/** The engine is looked at after so many events. */
const auditEvery = 64;
/** A world of some hundred jobs has some thousand events; one with so many spins. */
const eventsMax = 3_000_000;
/** A sleep of so long leaves connections as they were. */
const connectionsSleepMs = 20_000;
/** Destroyed streams say so within a turn or two. */
const lastTurns = 3;
/** After the end: sockets linger for a second, and the preparer has two. */
const afterglowMs = 5_000;

export async function runWorld(plan: Plan, { write, sabotage = {} }: RunOptions = {}): Promise<Observed> {
  const escaped: unknown[] = [];
  const escape = (error: unknown): void => void escaped.push(error);
  process.on('uncaughtException', escape);
  process.on('unhandledRejection', escape);
  try {
    const observed = await new World(plan, write ?? null, sabotage, escaped).run();
    // What its last streams still do is no business of the next world.
    for (let turn = 0; turn < lastTurns; turn++) await new Promise((resolve) => setImmediate(resolve));
    return observed;
  } finally {
    process.off('uncaughtException', escape);
    process.off('unhandledRejection', escape);
  }
}

class World {
  readonly #plan: Plan;
  readonly #time: VirtualTime;
  readonly #trace: Trace;
  readonly #escaped: unknown[];
  readonly #gateways: readonly EmbeddedGateway[];
  readonly #network: Network;
  readonly #engine: Engine;
  readonly #callers: readonly Caller[];
  readonly #audit: Audit;
  readonly #events: EngineEvent[] = [];
  /** What each side's wall clock is ahead of the one that goes right. */
  #clientAheadMs = 0;
  #sleptMs = 0;
  #closing: Promise<void>[] = [];
  #wasClosedEarly = false;
  #violationsBeforeTheEnd: ReadonlyMap<RuleId, number> | null = null;
  #isOver = false;

  constructor(plan: Plan, write: ((line: string) => void) | null, sabotage: Sabotage, escaped: unknown[]) {
    const { seed } = plan;
    this.#plan = plan;
    this.#escaped = escaped;
    this.#time = new VirtualTime(new Dice(seed, 'time'));
    this.#trace = new Trace(this.#time, write);
    this.#gateways = plan.gateways.map((_, at) => this.#openGateway(at));
    const byHost = new Map(plan.gateways.map(({ host }, at) => [host, this.#gateways[at]]));
    this.#network = new Network(this.#time, new Dice(seed, 'network'), plan, byHost, this.#trace);
    const options = this.#engineOptions();
    const engine = createEngine(sabotage.options?.(options) ?? options);
    this.#engine = sabotage.engine?.(engine) ?? engine;
    this.#audit = new Audit(this.#engine, plan);
    this.#callers = plan.calls.map((call) => {
      const note = (what: string): void => this.#trace.note(what);
      return new Caller(call, this.#engine, this.#time, new Dice(seed + plan.calls.indexOf(call), 'callers'), note);
    });
    const stage = this.#stage();
    for (const fault of plan.faults) {
      if (fault.part !== 'turn') continue;
      this.#time.after(fault.atMs, 'gateway', () => {
        if (this.#isOver) return;
        this.#trace.note(`turn ${JSON.stringify(fault.turn)}`);
        takeTurn(fault.turn, stage);
      });
    }
  }

  async run(): Promise<Observed> {
    const time = this.#time;
    this.#auditAtTimes();
    void this.#live().catch((error: unknown) => this.#escaped.push(error));
    const isOver = (): boolean => this.#isOver || this.#escaped.length > 0;
    let end = await time.pass({ isOver, limitMs: timeLimitMs(this.#plan), eventsMax });
    time.onEvent = null;
    const stats = this.#engine.stats();
    if (end === 'over' && this.#escaped.length === 0) {
      const limitMs = time.now + afterglowMs;
      const after = await time.pass({ isOver: () => this.#escaped.length > 0, limitMs, eventsMax });
      if (after === 'spinning') end = 'spinning';
    }
    const timersLeft = time.timersOf('client');
    this.#network.close();
    return {
      plan: this.#plan,
      end,
      calls: this.#callers.map(({ record }) => record),
      ledger: this.#gateways.flatMap(({ ledger }) => ledger),
      gateways: this.#gateways.map((gateway) => ({ report: reportOf(gateway), stats: gateway.stats() })),
      violationsBeforeTheEnd: this.#violationsBeforeTheEnd ?? this.#violations(),
      events: this.#events,
      stats,
      breaches: this.#audit.breaches,
      escaped: this.#escaped,
      timersLeft,
      wasClosedEarly: this.#wasClosedEarly,
      virtualMs: time.now,
      worldEvents: time.events,
      dials: this.#network.dials,
      connections: this.#network.connections,
      looks: this.#audit.looks,
      hash: this.#trace.hash,
    };
  }

  async #live(): Promise<void> {
    await Promise.all(this.#callers.map((caller) => caller.run()));
    this.#violationsBeforeTheEnd ??= this.#violations();
    await (this.#plan.ending === 'close' ? this.#engine.close() : this.#engine.drain());
    await Promise.all(this.#closing);
    this.#trace.note('the engine is closed');
    this.#isOver = true;
  }

  #auditAtTimes(): void {
    let events = 0;
    this.#time.onEvent = (now) => {
      if (++events % auditEvery === 0 && !this.#time.isTurnOpen) this.#audit.look(now);
    };
  }

  #openGateway(at: number): EmbeddedGateway {
    const { http2, latency, rules, environment } = this.#plan.gateways[at];
    const { deadlineMs: _, serverErrorDelayMs } = this.#plan.engine;
    const dice = new Dice(this.#plan.seed + at, 'gateway');
    const time = this.#time;
    const faults = this.#plan.faults.flatMap((fault) =>
      fault.part === 'gateway' && fault.gateway === at ? [fault.fault] : [],
    );
    const tokens = Object.fromEntries(this.#plan.devices.map(({ token, state }) => [token, state]));
    return embedGateway(
      {
        identity: gatewayIdentity(),
        http2,
        rules: { ...rules, environment, keys: allKeys(), tokens },
        ...(latency === null ? {} : { latency }),
        ledger: { kind: 'memory', payloadSha256: true },
        faults: { faults },
        referee: { limits: { serverErrorDelayMs } },
      },
      {
        clock: {
          epochMs: () => Math.floor(this.#plan.startsAtMs + time.now + this.#sleptMs),
          setTimer: (delayMs, fire) => time.after(delayMs, 'gateway', fire),
          endOfTurn: (fire) => time.endOfTurn(fire),
        },
        random: { next: () => dice.next(), uuid: () => uuidOf(dice) },
      },
    );
  }

  #epochMs(): number {
    return Math.floor(this.#plan.startsAtMs + this.#time.now + this.#sleptMs + this.#clientAheadMs);
  }

  #engineOptions(): EngineOptions {
    const time = this.#time;
    const dice = new Dice(this.#plan.seed, 'engine');
    return {
      ...this.#plan.engine,
      apps: Object.fromEntries(this.#plan.apps.map((app) => [app.name, this.#appOptions(app)])),
      onEvent: (event) => {
        this.#events.push(event);
        this.#trace.note(`event ${JSON.stringify(event)}`);
      },
      seams: {
        clock: {
          now: () => time.now,
          epochMs: () => this.#epochMs(),
          setTimer: (delayMs, fire) => time.after(delayMs, 'client', fire),
          endOfTurn: (fire) => time.endOfTurn(fire),
        },
        random: { next: () => dice.next() },
        dialer: this.#network,
      },
    };
  }

  #appOptions({ topic, gateway, credential, weight, ratePerSecond }: AppPlan): AppOptions {
    return {
      topic,
      endpoint: `https://${this.#plan.gateways[gateway].host}:443`,
      credential: credentialOf(credential, this.#time, () => this.#epochMs()),
      weight,
      ...(ratePerSecond === null ? {} : { ratePerSecond }),
    };
  }

  #stage(): Stage {
    const time = this.#time;
    return {
      plan: this.#plan,
      engine: this.#engine,
      callers: this.#callers,
      after: (delayMs, fire) => time.after(delayMs, 'gateway', fire),
      credential: (plan) => credentialOf(plan, time, () => this.#epochMs()),
      setToken: (token, state) => this.#gateways.forEach((gateway) => gateway.setToken(token, state)),
      revokeKey: (keyId) => this.#gateways.forEach((gateway) => gateway.revokeKey(keyId)),
      end: (how) => {
        this.#wasClosedEarly = true;
        this.#violationsBeforeTheEnd ??= this.#violations();
        this.#closing.push(how === 'close' ? this.#engine.close() : this.#engine.drain());
      },
      stepClock: (byMs) => (this.#clientAheadMs += byMs),
      suspend: (forMs) => {
        this.#sleptMs += forMs;
        // Nobody answered for so long: whoever was connected has given it up.
        if (forMs > connectionsSleepMs) this.#network.breakAll('reset');
      },
      stall: (forMs) => time.stallClient(forMs),
    };
  }

  /** By rule, over all gateways. */
  #violations(): ReadonlyMap<RuleId, number> {
    const found = new Map<RuleId, number>();
    for (const gateway of this.#gateways) {
      for (const { id, violations } of reportOf(gateway).rules) found.set(id, (found.get(id) ?? 0) + violations);
    }
    return found;
  }
}

function reportOf(gateway: EmbeddedGateway): RefereeReport {
  const report = gateway.report();
  if (report === null) throw new Error('a gateway without a referee');
  return report;
}

function uuidOf(dice: Dice): string {
  const digits = dice.hex(30);
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(12, 15)}-8${digits.slice(15, 18)}-${digits.slice(18)}`;
}
