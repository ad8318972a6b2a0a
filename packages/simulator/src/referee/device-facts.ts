// What the gateway has said about device tokens. Only tokens with something to remember are kept, and only so many: the
// oldest goes first, which lets a violation slip and never makes one up.
import { BoundedMemory } from './bounded-memory.ts';
import type { ProofOfReceipt, Told } from './proof-of-receipt.ts';

/** dead: 410. refused: never to be tried again, though the token may be good elsewhere. throttled: 429. */
export type DeviceFactKind = 'dead' | 'refused' | 'throttled';

export interface DeviceFact extends Told {
  readonly kind: DeviceFactKind;
  readonly topic: string;
  readonly by: ProofOfReceipt;
  readonly place: number;
  /** throttled: when it may be pushed to again, epoch ms. */
  readonly untilMs: number;
  /** Of the same token, another topic. */
  readonly next: DeviceFact | null;
}

export class DeviceFacts {
  readonly #facts: BoundedMemory<DeviceFact>;

  constructor(tokensMax: number) {
    this.#facts = new BoundedMemory(tokensMax);
  }

  get forgotten(): number {
    return this.#facts.forgotten;
  }

  find(token: string, topic: string): DeviceFact | null {
    if (this.#facts.isEmpty) return null;
    for (let fact = this.#facts.get(token.toLowerCase()); fact !== null; fact = fact.next) {
      if (fact.topic === topic) return fact;
    }
    return null;
  }

  /** Replaces what was known of this token and topic. */
  note(token: string, fact: Omit<DeviceFact, 'next'>): void {
    const key = token.toLowerCase();
    this.#facts.set(key, { ...fact, next: without(this.#facts.get(key), fact.topic) });
  }

  /** The device registered again, or the token's state was set anew. */
  forget(token: string): void {
    this.#facts.delete(token.toLowerCase());
  }

  forgetTopic(token: string, topic: string): void {
    const key = token.toLowerCase();
    const rest = without(this.#facts.get(key), topic);
    if (rest === null) this.#facts.delete(key);
    else this.#facts.set(key, rest);
  }
}

function without(chain: DeviceFact | null, topic: string): DeviceFact | null {
  if (chain === null) return null;
  const next = without(chain.next, topic);
  return chain.topic === topic ? next : { ...chain, next };
}
