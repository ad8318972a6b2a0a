/**
 * What a pool knows of the addresses of its gateway: how many connections each has, and which failed lately. The next
 * dial goes to the one with the fewest connections among those that work, so that load spreads over what DNS gives.
 */
import type { Address } from './resolver.ts';
import type { Random } from './random.ts';

/** An address that failed comes last for this long; then it gets another chance. */
const demotedMs = 60_000;
/** Addresses that DNS no longer gives are forgotten when so many are known. */
const addressesMax = 256;

interface Known {
  connections: number;
  failedAt: number;
}

export class AddressBook {
  readonly #random: Random;
  readonly #known = new Map<string, Known>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Best first: not failed lately, then fewest connections, then by chance; families take turns. */
  order(addresses: readonly Address[], now: number): readonly Address[] {
    const ranked = addresses.map((address) => {
      const known = this.#known.get(address.address);
      const isDemoted = known !== undefined && now - known.failedAt < demotedMs;
      return { address, rank: isDemoted ? 1 : 0, connections: known?.connections ?? 0, chance: this.#random.next() };
    });
    ranked.sort((a, b) => a.rank - b.rank || a.connections - b.connections || a.chance - b.chance);
    const working = ranked.filter(({ rank }) => rank === 0).map(({ address }) => address);
    const demoted = ranked.filter(({ rank }) => rank === 1).map(({ address }) => address);
    return [...takeTurns(working), ...takeTurns(demoted)];
  }

  opened(address: string): void {
    const known = this.#of(address);
    known.connections++;
    known.failedAt = -Infinity;
  }

  closed(address: string): void {
    this.#of(address).connections--;
  }

  failed(address: string, now: number): void {
    this.#of(address).failedAt = now;
  }

  #of(address: string): Known {
    let known = this.#known.get(address);
    if (known === undefined) {
      if (this.#known.size >= addressesMax) this.#forgetUnused();
      known = { connections: 0, failedAt: -Infinity };
      this.#known.set(address, known);
    }
    return known;
  }

  #forgetUnused(): void {
    for (const [address, { connections }] of this.#known) if (connections === 0) this.#known.delete(address);
  }
}

/** RFC 8305 §4: the families alternate, so that a host without a route for one of them meets the other second. */
function takeTurns(addresses: readonly Address[]): Address[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family);
  const second = addresses.filter(({ family }) => family !== addresses[0]?.family);
  const turns: Address[] = [];
  for (let at = 0; at < Math.max(first.length, second.length); at++) {
    turns.push(...first.slice(at, at + 1), ...second.slice(at, at + 1));
  }
  return turns;
}
