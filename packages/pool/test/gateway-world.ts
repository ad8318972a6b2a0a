// A gateway in memory and a dialler that reaches it: every connection is a pipe, every dial does what the test says.
import type { Duplex } from 'node:stream';
import { Pool } from '@carillon/pool';
import type { Dialed, Dialer, DialTarget, PoolOptions, PoolPolicy } from '@carillon/pool';
import { Gateway } from './gateway.ts';
import type { GatewayOptions } from './gateway.ts';
import { Jobs } from './jobs.ts';
import { memoryPipe } from './memory-pipe.ts';
import { VirtualClock } from './virtual-clock.ts';

/** What a dial meets: a gateway, an error, or nobody for ever. */
export type DialScript = (ordinal: number, target: DialTarget) => GatewayOptions | Error | 'hang';

export class GatewayWorld implements Dialer {
  readonly clock: VirtualClock;
  readonly gateways: Gateway[] = [];
  /** When each dial began. */
  readonly dialledAt: number[] = [];
  readonly jobs: Jobs = new Jobs();
  readonly pool: Pool;
  dialing = 0;
  dialMs = 10;
  script: DialScript;
  /** The pool's ends of the pipes. */
  readonly clientStreams: Duplex[] = [];

  /** `random` gives 0.5 unless told: half of each jitter. */
  constructor(
    script: DialScript = () => ({}),
    policy: Partial<PoolPolicy> = {},
    options: Partial<PoolOptions> = {},
    clock: VirtualClock = new VirtualClock(),
  ) {
    this.clock = clock;
    this.script = script;
    this.pool = new Pool(
      {
        host: 'gateway.example',
        port: 443,
        tls: {},
        policy,
        dialer: this,
        clock,
        random: { next: () => 0.5 },
        ...options,
      },
      this.jobs,
    );
    this.jobs.pool = this.pool;
  }

  dial(target: DialTarget, signal: AbortSignal): Promise<Dialed> {
    this.dialledAt.push(this.clock.now());
    const what = this.script(this.dialledAt.length, target);
    this.dialing++;
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.dialing--;
        timer?.cancel();
        signal.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        end();
        reject(signal.reason as Error);
      };
      const arrive = (): void => {
        end();
        if (what === 'hang') return;
        if (what instanceof Error) reject(what);
        else resolve({ stream: this.#connect(what), address: '192.0.2.1' });
      };
      const timer = what === 'hang' ? null : this.clock.setTimer(this.dialMs, arrive);
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  get last(): Gateway {
    const gateway = this.gateways.at(-1);
    if (gateway === undefined) throw new Error('nobody has connected yet');
    return gateway;
  }

  /** Gives the pool `count` jobs and lets it dial and send. */
  async send(count: number, bodyBytes?: number): Promise<void> {
    this.jobs.add(count, bodyBytes);
    await this.clock.advance(this.dialMs * 2);
  }

  /** Closes the pool, and lets a gateway that does not answer have its second. */
  async close(): Promise<void> {
    const closed = this.pool.close();
    await this.clock.advance(1100);
    await closed;
  }

  #connect(options: GatewayOptions): Duplex {
    const [ours, theirs] = memoryPipe();
    this.clientStreams.push(ours);
    this.gateways.push(new Gateway(theirs, options));
    return ours;
  }
}
