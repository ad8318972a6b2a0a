// What a client is known to have received, and when. HTTP/2 acknowledges SETTINGS and PINGs, nothing else: so the gateway
// sends a PING behind what matters (a mark), and its acknowledgement proves that everything before it has arrived. Nobody
// is convicted for what he may not have known yet.
//
//   connection A   410 ─ mark ─────► ack            proven at K
//   connection B          mark (sent after K) ─► ack ─► push to the same token: sent in full knowledge
//
// Places are numbers in one order over all connections: a place later in time is a higher number.

/** One order of events for the whole referee. */
export class EventOrder {
  #last = 0;

  next(): number {
    this.#last += 1;
    return this.#last;
  }

  get last(): number {
    return this.#last;
  }
}

/** Acknowledged marks kept a connection: older facts are then proven a little later than they could be. */
const marksKept = 8;

export class ProofOfReceipt {
  readonly #sentAt = new Float64Array(marksKept);
  readonly #acknowledgedAt = new Float64Array(marksKept);
  #acknowledged = 0;
  /** Place of the mark that is under way; 0: none. */
  #outstanding = 0;

  get isMarkOutstanding(): boolean {
    return this.#outstanding !== 0;
  }

  markSent(place: number): void {
    this.#outstanding = place;
  }

  /** Place of the mark that the client has now answered. */
  markAcknowledged(place: number): number {
    const slot = this.#acknowledged % marksKept;
    const sentAt = this.#outstanding;
    this.#sentAt[slot] = sentAt;
    this.#acknowledgedAt[slot] = place;
    this.#acknowledged += 1;
    this.#outstanding = 0;
    return sentAt;
  }

  /** Everything the gateway wrote here before this place has arrived. */
  get knownUntil(): number {
    return this.#acknowledged === 0 ? 0 : this.#sentAt[(this.#acknowledged - 1) % marksKept];
  }

  /** Place at which it was proven that what was written at `place` has arrived; Infinity: not yet. */
  provenAt(place: number): number {
    const first = Math.max(0, this.#acknowledged - marksKept);
    for (let mark = first; mark < this.#acknowledged; mark += 1) {
      const slot = mark % marksKept;
      if (this.#sentAt[slot] >= place) return this.#acknowledgedAt[slot];
    }
    return Number.POSITIVE_INFINITY;
  }
}

/** Something the gateway wrote on one connection. */
export interface Told {
  readonly by: ProofOfReceipt;
  readonly place: number;
}

/** Whether what the client of `proof` sent when it knew what stands before `knownUntil` was sent in knowledge of `told`. */
export function knew(proof: ProofOfReceipt, told: Told, knownUntil: number = proof.knownUntil): boolean {
  return knownUntil >= (proof === told.by ? told.place : told.by.provenAt(told.place));
}
