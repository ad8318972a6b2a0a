// When scripted faults fire: counters held against triggers. One plan a simulator, one watch a connection.
import type { FaultAction, FaultScript, FaultTrigger } from './fault-script.ts';

/** A fault of the script with what has to be counted for it. */
interface PlannedFault {
  readonly id: string;
  readonly trigger: FaultTrigger;
  readonly action: FaultAction;
  fired: number;
  /** Events seen over all connections, for triggers that count so. */
  seenInAll: number;
}

export class FaultPlan {
  readonly #faults: readonly PlannedFault[];
  readonly #onFired: (id: string) => void;

  /** `onFired` is told the id of each fault that fires. */
  constructor(script: FaultScript | null, onFired: (id: string) => void = () => {}) {
    this.#onFired = onFired;
    this.#faults = (script?.faults ?? []).map((fault, index) => ({
      id: fault.id ?? `${fault.action.kind}-${index + 1}`,
      trigger: fault.when,
      action: fault.action,
      fired: 0,
      seenInAll: 0,
    }));
  }

  get isEmpty(): boolean {
    return this.#faults.length === 0;
  }

  /** How often each fired, faults that never did included: a test that waits for one sees its zero. */
  fired(): Record<string, number> {
    return Object.fromEntries(this.#faults.map(({ id, fired }) => [id, fired]));
  }

  /** The faults of one connection. */
  watch(ordinal: number): FaultWatch {
    const mine = this.#faults.filter(({ trigger }) => trigger.connections?.includes(ordinal) ?? true);
    return new FaultWatch(mine, this.#onFired);
  }

  /** The largest frame the script ever allows clients to send: the parser must be ready for it. */
  get frameBytesMax(): number {
    let most = 16_384;
    for (const { action } of this.#faults) {
      if (action.kind !== 'settings') continue;
      for (const { maxFrameSize } of action.steps) most = Math.max(most, maxFrameSize ?? 0);
    }
    return most;
  }
}

export class FaultWatch {
  readonly #faults: readonly PlannedFault[];
  readonly #onFired: (id: string) => void;
  readonly #seen = new Map<PlannedFault, number>();

  constructor(faults: readonly PlannedFault[], onFired: (id: string) => void) {
    this.#faults = faults;
    this.#onFired = onFired;
  }

  /** accept, start. */
  onEvent(on: 'accept' | 'start'): FaultAction[] {
    return this.#fire((fault) => fault.trigger.on === on);
  }

  onRequest(token: string | null): FaultAction[] {
    return this.#fire(
      ({ trigger }) =>
        trigger.on === 'request' && (trigger.token === undefined || (token ?? '').startsWith(trigger.token)),
    );
  }

  onReply(): FaultAction[] {
    return this.#fire(({ trigger }) => trigger.on === 'reply');
  }

  /** Fires when the connection's octets pass the nth. */
  onBytes(before: number, after: number): FaultAction[] {
    return this.#fire(
      ({ trigger }) => trigger.on === 'byte' && before < (trigger.nth ?? 1) && after >= (trigger.nth ?? 1),
    );
  }

  /** Delays after the start at which `onTime` wants to be called. */
  times(): { readonly afterMs: number; readonly fire: () => FaultAction[] }[] {
    return this.#faults
      .filter(({ trigger }) => trigger.on === 'time')
      .map((fault) => ({ afterMs: fault.trigger.afterMs ?? 0, fire: () => this.#fire((one) => one === fault) }));
  }

  onCommand(id: string): FaultAction[] {
    return this.#fire((fault) => fault.id === id);
  }

  #fire(applies: (fault: PlannedFault) => boolean): FaultAction[] {
    const actions: FaultAction[] = [];
    for (const fault of this.#faults) {
      if (!applies(fault) || !this.#isDue(fault)) continue;
      if (fault.fired >= (fault.trigger.times ?? Number.POSITIVE_INFINITY)) continue;
      fault.fired += 1;
      this.#onFired(fault.id);
      actions.push(fault.action);
    }
    return actions;
  }

  /** Counts the event, and says whether it is the nth or a multiple. Triggers that count nothing are always due. */
  #isDue(fault: PlannedFault): boolean {
    const { on, nth, every, skip = 0, inAll } = fault.trigger;
    if (on !== 'request' && on !== 'reply') return true;
    const seen = (inAll === true ? fault.seenInAll : (this.#seen.get(fault) ?? 0)) + 1;
    if (inAll === true) fault.seenInAll = seen;
    else this.#seen.set(fault, seen);
    if (seen <= skip) return false;
    if (nth === undefined && every === undefined) return true;
    return seen - skip === nth || (every !== undefined && (seen - skip) % every === 0);
  }
}
