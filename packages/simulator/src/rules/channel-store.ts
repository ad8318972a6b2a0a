// The channels of every app (apns-protocol.md D.1): ids are made here, random and never used again, and live until they are
// deleted.
import type { SimulatorRandom } from '../seams.ts';

export interface Channel {
  readonly id: string;
  /** 0: nothing is stored; 1: the most recent message is. */
  readonly storagePolicy: 0 | 1;
}

/** CHM: of one app in one environment. */
const channelsMaxDefault = 10_000;
/** Deleted ids are told from ids that never were; the oldest are forgotten. */
const deletedMax = 100_000;

export class ChannelStore {
  readonly #random: SimulatorRandom;
  readonly #channelsMax: number;
  /** By bundle id, then by id. */
  readonly #channels = new Map<string, Map<string, Channel>>();
  /** `bundle id`, space, `id`. */
  readonly #deleted = new Set<string>();

  constructor(random: SimulatorRandom, channelsMax: number = channelsMaxDefault) {
    this.#random = random;
    this.#channelsMax = channelsMax;
  }

  /** Of all apps. */
  get size(): number {
    let size = 0;
    for (const channels of this.#channels.values()) size += channels.size;
    return size;
  }

  /** Null: the app has all it may have. */
  create(bundleId: string, storagePolicy: 0 | 1): Channel | null {
    const channels = this.#channels.get(bundleId) ?? new Map<string, Channel>();
    if (channels.size >= this.#channelsMax) return null;
    this.#channels.set(bundleId, channels);
    // kontour: 24 characters of standard base64, as 16 octets give them.
    const id = Buffer.from(this.#random.uuid().replaceAll('-', ''), 'hex').toString('base64');
    const channel = { id, storagePolicy };
    channels.set(id, channel);
    return channel;
  }

  find(bundleId: string, id: string): Channel | 'deleted' | 'unknown' {
    const channel = this.#channels.get(bundleId)?.get(id);
    return channel ?? (this.#deleted.has(`${bundleId} ${id}`) ? 'deleted' : 'unknown');
  }

  list(bundleId: string): readonly string[] {
    return [...(this.#channels.get(bundleId)?.keys() ?? [])];
  }

  /** False: there is none (any more). */
  delete(bundleId: string, id: string): boolean {
    if (this.#channels.get(bundleId)?.delete(id) !== true) return false;
    this.#deleted.add(`${bundleId} ${id}`);
    const [oldest] = this.#deleted;
    if (this.#deleted.size > deletedMax && oldest !== undefined) this.#deleted.delete(oldest);
    return true;
  }
}
