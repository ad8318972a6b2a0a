// The streams of a connection in typed arrays. Row = (id >>> 1) & mask: ids are odd and rising, so streams that are
// open together share a row only when one of them outlives thousands of others. Then the younger id is skipped, which
// RFC 9113 §5.1.1 allows. A row keeps its closed stream until it is needed again: that is the memory of what was closed
// and how, at least `capacity - streamsMax` streams long.
//
//   id    1   3   5   7   9  …            awaitingHead ──head──▶ awaitingEnd ──END_STREAM──▶ ended
//   row   0   1   2   3   0  … (mask 3)        │ └────────────END_STREAM──────────────────────▲
//                                              └──▶ dropped (by us) │ resetByPeer
//
// 41 octets a row; nothing is allocated after construction but by the cold walks at the end.
export const StreamState = {
  /** Never opened, or opened so long ago that its row went to another stream. */
  unknown: 0,
  awaitingHead: 1,
  awaitingEnd: 2,
  ended: 3,
  /** We sent RST_STREAM, or GOAWAY put it aside: whatever still comes for it is ignored (RFC 9113 §5.1). */
  dropped: 4,
  resetByPeer: 5,
} as const;
export type StreamState = (typeof StreamState)[keyof typeof StreamState];

export class StreamTable {
  readonly capacity: number;
  readonly states: Uint8Array;
  readonly tags: Float64Array;
  readonly openedAt: Float64Array;
  /** The stream's send window less the peer's INITIAL_WINDOW_SIZE, so that a change of that one moves all at once. */
  readonly windowDeltas: Int32Array;
  /** Octets of DATA received with padding, and without. */
  readonly flowBytes: Int32Array;
  readonly bodyBytes: Int32Array;
  /** Value of content-length, -1 when there is none. */
  readonly contentLengths: Float64Array;
  readonly #mask: number;
  readonly #ids: Int32Array;
  readonly #idMax: number;
  #nextId = 1;
  #openCount = 0;
  #oldestId = 1;

  /** Twice as many rows as streams, at least: a free row is then never more than `streamsMax` ids away. */
  constructor(streamsMax: number, idMax: number) {
    let capacity = 2;
    while (capacity < streamsMax * 2) capacity *= 2;
    this.capacity = capacity;
    this.#mask = capacity - 1;
    this.#idMax = idMax;
    this.#ids = new Int32Array(capacity);
    this.states = new Uint8Array(capacity);
    this.tags = new Float64Array(capacity);
    this.openedAt = new Float64Array(capacity);
    this.windowDeltas = new Int32Array(capacity);
    this.flowBytes = new Int32Array(capacity);
    this.bodyBytes = new Int32Array(capacity);
    this.contentLengths = new Float64Array(capacity);
  }

  get openCount(): number {
    return this.#openCount;
  }

  get nextId(): number {
    return this.#nextId;
  }

  /** No id is left: the connection must retire. */
  get isSpent(): boolean {
    return this.#nextId > this.#idMax;
  }

  rowOf(id: number): number {
    return (id >>> 1) & this.#mask;
  }

  idAt(row: number): number {
    return this.#ids[row];
  }

  /** The row of an open stream, or -1. */
  find(id: number): number {
    const row = (id >>> 1) & this.#mask;
    if (this.#ids[row] !== id) return -1;
    const state = this.states[row];
    return state === StreamState.awaitingHead || state === StreamState.awaitingEnd ? row : -1;
  }

  /** Opens the next stream and returns its row. Invariant: fewer than capacity / 2 are open, and an id is left. */
  open(tag: number, now: number): number {
    if (this.#openCount * 2 >= this.capacity || this.isSpent)
      throw new Error('bug: a stream more than the table takes');
    let id = this.#nextId;
    let row = (id >>> 1) & this.#mask;
    while (isOpen(this.states[row])) {
      id += 2;
      row = (id >>> 1) & this.#mask;
    }
    this.#nextId = id + 2;
    this.#openCount += 1;
    this.#ids[row] = id;
    this.states[row] = StreamState.awaitingHead;
    this.tags[row] = tag;
    this.openedAt[row] = now;
    this.windowDeltas[row] = 0;
    this.flowBytes[row] = 0;
    this.bodyBytes[row] = 0;
    this.contentLengths[row] = -1;
    return row;
  }

  /** Invariant: `row` is open. */
  close(row: number, as: StreamState): void {
    if (!isOpen(this.states[row])) throw new Error('bug: a stream is closed twice');
    this.states[row] = as;
    this.#openCount -= 1;
  }

  /** What is known of a stream that `find` did not find. */
  stateOfClosed(id: number): StreamState {
    const row = (id >>> 1) & this.#mask;
    return this.#ids[row] === id ? (this.states[row] as StreamState) : StreamState.unknown;
  }

  /** RFC 9113 §5.1: even ids are the server's, which may open none here; odd ones from `nextId` on are yet to come. */
  isIdle(id: number): boolean {
    return id % 2 === 0 || id >= this.#nextId;
  }

  /** The row of the stream that has been open for longest, or -1. */
  oldest(): number {
    if (this.#openCount === 0) {
      this.#oldestId = this.#nextId;
      return -1;
    }
    for (let steps = 0; steps < this.capacity; steps += 1) {
      const row = this.find(this.#oldestId);
      if (row >= 0) return row;
      this.#oldestId += 2;
    }
    // One stream outlived very many others: looking at each row is shorter than walking their ids.
    this.#oldestId = this.openIdsAbove(0)[0];
    return this.rowOf(this.#oldestId);
  }

  /** Open streams with an id above this one, lowest first. Cold: allocates. */
  openIdsAbove(id: number): number[] {
    const ids: number[] = [];
    for (let row = 0; row < this.capacity; row += 1) {
      const candidate = this.#ids[row];
      if (candidate > id && isOpen(this.states[row])) ids.push(candidate);
    }
    return ids.sort((a, b) => a - b);
  }

  /** The largest send window of an open stream, relative to INITIAL_WINDOW_SIZE; -Infinity when none is open. Cold. */
  widestWindowDelta(): number {
    let widest = -Infinity;
    for (let row = 0; row < this.capacity; row += 1) {
      if (isOpen(this.states[row])) widest = Math.max(widest, this.windowDeltas[row]);
    }
    return widest;
  }
}

function isOpen(state: number): boolean {
  return state === StreamState.awaitingHead || state === StreamState.awaitingEnd;
}
