// The network of a world: names with several addresses, dials that may fail in every way, links that may be cut, and
// outages. Everything that goes wrong is in the plan.
import { TransportError } from '../../packages/pool/src/index.ts';
import type { Address, Dialed, Dialer, DialTarget } from '../../packages/pool/src/index.ts';
import type { EmbeddedGateway } from '../../packages/simulator/src/index.ts';
import type { Dice } from './dice.ts';
import { MemoryLink } from './memory-link.ts';
import type { LinkObserver } from './memory-link.ts';
import type { DialFault, Plan } from './plan.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Told of what passes, by the number of the connection. */
export interface NetworkObserver {
  onDial(dial: number, what: string): void;
  linkObserver(connection: number): LinkObserver;
}

/** TCP and TLS take about three round trips. */
const dialRoundTrips = 3;
/** A silent address is left for the next after so long (RFC 8305). */
const nextAddressMs = 250;

export class Network implements Dialer {
  readonly #time: VirtualTime;
  readonly #dice: Dice;
  readonly #plan: Plan;
  readonly #gateways: ReadonlyMap<string, EmbeddedGateway>;
  readonly #observer: NetworkObserver;
  readonly #links = new Set<MemoryLink>();
  dials = 0;
  connections = 0;

  constructor(
    time: VirtualTime,
    dice: Dice,
    plan: Plan,
    gateways: ReadonlyMap<string, EmbeddedGateway>,
    observer: NetworkObserver,
  ) {
    this.#time = time;
    this.#dice = dice;
    this.#plan = plan;
    this.#gateways = gateways;
    this.#observer = observer;
    for (const fault of plan.faults) {
      if (fault.part !== 'outage' || fault.breaks === null) continue;
      const { breaks } = fault;
      time.after(fault.fromMs, 'gateway', () => this.breakAll(breaks));
    }
  }

  /** Connections that have an end left. */
  get open(): number {
    return this.#links.size;
  }

  /** All connections there are. */
  breakAll(kind: 'reset' | 'end' | 'vanish'): void {
    for (const link of [...this.#links]) link.break(kind);
  }

  /** The world is over: what is still there goes. */
  close(): void {
    for (const { client, gateway } of this.#links) {
      client.destroy();
      gateway.destroy();
    }
    this.#links.clear();
  }

  async dial(target: DialTarget, signal: AbortSignal): Promise<Dialed> {
    this.dials++;
    const dial = this.dials;
    const aborted = whenAborted(signal);
    const limit = new AbortController();
    aborted.promise.catch(() => limit.abort());
    const timer = this.#time.after(target.timeoutMs, 'client', () => limit.abort());
    try {
      return await Promise.race([this.#dial(dial, target, limit.signal), aborted.promise]);
    } catch (error) {
      this.#observer.onDial(dial, error instanceof Error ? error.message : String(error));
      throw error;
    } finally {
      timer.cancel();
      aborted.release();
    }
  }

  async #dial(dial: number, target: DialTarget, limit: AbortSignal): Promise<Dialed> {
    const { host, port } = target;
    const endpoint = `${host}:${port}`;
    const fault = this.#dialFault(dial);
    const found = this.#addressesOf(host);
    const addresses = target.order?.(found) ?? found;
    let last: TransportError | null = null;
    for (const { address } of addresses) {
      const isDown = this.#isDown(found.findIndex((one) => one.address === address));
      const tripMs = this.#latencyMs() * 2;
      await this.#time.sleep(isDown ? Math.max(tripMs, nextAddressMs) : tripMs * dialRoundTrips, 'gateway');
      if (limit.aborted) throw timedOut(endpoint, target.timeoutMs);
      if (isDown || fault === 'refuse') {
        target.onAddressFailed?.(address);
        last = new TransportError('ERR_TRANSPORT_DIAL_REFUSED', endpoint, `${address} refuses connections`);
        continue;
      }
      if (fault === 'hang') return await hangs(limit, endpoint, target);
      if (fault === 'slow') await this.#time.sleep(this.#dice.whole(200, 4000), 'gateway');
      if (limit.aborted) throw timedOut(endpoint, target.timeoutMs);
      if (fault === 'untrusted')
        throw new TransportError('ERR_TRANSPORT_TLS_UNTRUSTED', endpoint, 'its certificate comes from an unknown CA');
      if (fault === 'no-h2') throw new TransportError('ERR_TRANSPORT_ALPN', endpoint, 'it does not speak HTTP/2');
      return this.#connect(dial, target, address);
    }
    throw last ?? new TransportError('ERR_TRANSPORT_DNS', endpoint, `${host} has no address`);
  }

  #connect(dial: number, target: DialTarget, address: string): Dialed {
    const gateway = this.#gateways.get(target.host);
    if (gateway === undefined) throw new Error(`nobody is at ${target.host}`);
    this.connections++;
    const number = this.connections;
    this.#observer.onDial(dial, `connection ${number} to ${address}`);
    const cuts = this.#plan.faults.flatMap((fault) =>
      fault.part === 'cut' && fault.connection === number ? [fault.cut] : [],
    );
    const link = new MemoryLink({
      time: this.#time,
      dice: this.#dice,
      ways: this.#plan.ways,
      latencyMs: () => this.#latencyMs(),
      cuts,
      observer: this.#observer.linkObserver(number),
    });
    this.#links.add(link);
    const { client, gateway: theirs } = link;
    let ends = 2;
    const gone = (): void => {
      if (--ends === 0) this.#links.delete(link);
    };
    client.once('close', gone);
    theirs.once('close', gone);
    client.on('error', () => undefined);
    theirs.on('error', () => undefined);
    const cert = target.tls.cert;
    // The gateway accepts in a turn of its own.
    this.#time.after(0, 'gateway', () => {
      if (theirs.destroyed) return;
      gateway.accept(theirs, {
        address: '198.51.100.1',
        certificatePem: cert === undefined ? null : cert.toString(),
        reset: () => theirs.resetByMe(),
      });
    });
    return { stream: client, address };
  }

  #dialFault(dial: number): DialFault | null {
    for (const fault of this.#plan.faults) {
      if (fault.part === 'dial' && fault.dial === dial) return fault.how;
      if (fault.part !== 'outage') continue;
      if (this.#time.now >= fault.fromMs && this.#time.now < fault.fromMs + fault.forMs) return fault.dials;
    }
    return null;
  }

  #addressesOf(host: string): Address[] {
    const net = [...this.#gateways.keys()].indexOf(host);
    return Array.from({ length: this.#plan.addresses }, (_, at) => ({ address: `192.0.${net}.${at + 1}`, family: 4 }));
  }

  #isDown(address: number): boolean {
    const { now } = this.#time;
    return this.#plan.faults.some(
      (fault) =>
        fault.part === 'address' &&
        fault.address === address &&
        now >= fault.fromMs &&
        now < fault.fromMs + fault.forMs,
    );
  }

  #latencyMs(): number {
    const { now } = this.#time;
    let latencyMs = this.#plan.ways.latencyMs;
    for (const fault of this.#plan.faults) {
      if (fault.part === 'slow' && now >= fault.fromMs && now < fault.fromMs + fault.forMs) latencyMs = fault.latencyMs;
    }
    return latencyMs;
  }
}

function timedOut(endpoint: string, timeoutMs: number): TransportError {
  return new TransportError('ERR_TRANSPORT_DIAL_TIMEOUT', endpoint, `no connection within ${timeoutMs} ms`);
}

function hangs(limit: AbortSignal, endpoint: string, { timeoutMs }: DialTarget): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(timedOut(endpoint, timeoutMs));
    if (limit.aborted) abort();
    else limit.addEventListener('abort', abort, { once: true });
  });
}

function whenAborted(signal: AbortSignal): { readonly promise: Promise<never>; readonly release: () => void } {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return { promise, release: () => signal.removeEventListener('abort', abort) };
}
