// Which topics a connection may put into the peer's HPACK table: the first that come, while their entries fit. One
// credential can serve hundreds of topics; indexing all of them would evict the fields that every push needs.

/** Half of the 4096 octets Apple's table has been seen to have; the rest holds what every push carries. */
export const topicOctetsMax = 2048;
/** RFC 7541 §4.1: an entry counts its name, its value and 32. */
const entryOverhead = 'apns-topic'.length + 32;

/** One a connection. Remembers at most `octetsMax` / 43 topics. */
export class TopicBudget {
  readonly #octetsMax: number;
  readonly #admitted = new Set<string>();
  #octets = 0;

  constructor(octetsMax: number = topicOctetsMax) {
    this.#octetsMax = octetsMax;
  }

  /** Octets of the entries admitted so far. Invariant: at most `octetsMax`. */
  get octets(): number {
    return this.#octets;
  }

  /** True when the topic is indexed on this connection; takes its octets on the first call. Stays as it was decided. */
  admit(topic: string): boolean {
    if (this.#admitted.has(topic)) return true;
    const octets = entryOverhead + topic.length;
    if (this.#octets + octets > this.#octetsMax) return false;
    this.#octets += octets;
    this.#admitted.add(topic);
    return true;
  }
}
