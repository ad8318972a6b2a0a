/**
 * The door: counts the jobs and bytes that are admitted and not settled. Owner: the engine. Full means that nothing
 * more comes in until it has emptied to the low mark; nothing is dropped.
 *
 * What is on probation is counted apart: it may take long, and clean work must not wait for it at the door. It gets half as
 * much room again; what is above that takes room from the others. Dirty sources wait at a door of their own.
 */
import { WaitingRoom } from './waiting-room.ts';

/** A lane, as far as it matters here: how many wait in it. */
interface Waiting {
  readonly depth: number;
}

interface WaitingLanes {
  readonly lane: Waiting;
  readonly probationLane: Waiting;
}

export class Admission {
  readonly #jobsMax: number;
  readonly #bytesMax: number;
  #jobs = 0;
  #bytes = 0;
  /** Of batches in preparation: room for them is kept, so that what runs at once cannot pass the limit together. */
  #reservedJobs = 0;
  #reservedBytes = 0;
  /** Of all: those on probation. */
  #probationJobs = 0;
  #probationBytes = 0;
  /** Of campaigns that are paused. */
  readonly #aside = new Set<WaitingLanes>();
  readonly #waiting = new WaitingRoom();
  readonly #dirtyWaiting = new WaitingRoom();
  admitted = 0;

  readonly #onFirst: () => void;

  /** `onFirst` is called when a job enters and none was there. */
  constructor(jobsMax: number, bytesMax: number, onFirst: () => void) {
    this.#onFirst = onFirst;
    this.#jobsMax = jobsMax;
    this.#bytesMax = bytesMax;
  }

  get jobs(): number {
    return this.#jobs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A quarter above the most that is let in: for pushes that leave their batch to wait alone (own-arena.ts). */
  get hasRoomToPart(): boolean {
    return this.#bytes < this.#bytesMax * 1.25;
  }

  get isFull(): boolean {
    return this.#cleanJobs >= this.#jobsRoom || this.#cleanBytes >= this.#bytesRoom;
  }

  /** Jobs on probation. */
  get probationJobs(): number {
    return this.#probationJobs;
  }

  /** Full for dirty sources. */
  get isProbationFull(): boolean {
    return this.#dirtyJobs >= this.#jobsMax / 2 || this.#dirtyBytes >= this.#bytesMax / 2;
  }

  /** What waits in these lanes does not count at the door, until it is taken back: it is held, and bounded by who holds it. */
  setAside(lanes: WaitingLanes): void {
    this.#aside.add(lanes);
    this.#letIn();
    this.#letDirtyIn();
  }

  takeBack(lanes: WaitingLanes): void {
    this.#aside.delete(lanes);
  }

  enter(jobs: number): void {
    const isFirst = this.#jobs === 0 && jobs > 0;
    this.#jobs += jobs;
    this.admitted += jobs;
    if (isFirst) this.#onFirst();
  }

  /** A job that was counted turned out to be none. */
  withdraw(): void {
    this.admitted--;
    this.leave();
  }

  leave(): void {
    this.#jobs--;
    this.#letIn();
  }

  /** Of the jobs and bytes that are in, so many go on probation; below 0: come back from it, or leave while they are on it. */
  moveToProbation(jobs: number, bytes: number): void {
    this.#probationJobs += jobs;
    this.#probationBytes += bytes;
    this.#letIn();
    this.#letDirtyIn();
  }

  hold(bytes: number): void {
    this.#bytes += bytes;
  }

  letGo(bytes: number): void {
    this.#bytes -= bytes;
    this.#letIn();
  }

  reserve(jobs: number, bytes: number): void {
    this.#reservedJobs += jobs;
    this.#reservedBytes += bytes;
  }

  unreserve(jobs: number, bytes: number): void {
    this.#reservedJobs -= jobs;
    this.#reservedBytes -= bytes;
    this.#letIn();
  }

  /** Resolves when there may be room, or `signal` is or gets aborted; each that wakes looks again with `isFull`. */
  room(signal?: AbortSignal): Promise<void> {
    return this.#waiting.wait(signal);
  }

  /** The same for dirty sources, with `isProbationFull`. */
  probationRoom(signal?: AbortSignal): Promise<void> {
    return this.#dirtyWaiting.wait(signal);
  }

  /** Wakes all who wait, because the engine closes or a source is clean again. */
  wakeAll(): void {
    this.#waiting.wakeAll();
    this.#dirtyWaiting.wakeAll();
  }

  #letIn(): void {
    if (this.#waiting.isEmpty) return;
    // Half: letting one in for each that leaves would wake a producer per push.
    if (this.#cleanJobs <= this.#jobsRoom / 2 && this.#cleanBytes <= this.#bytesRoom / 2) this.#waiting.wakeAll();
  }

  #letDirtyIn(): void {
    if (this.#dirtyWaiting.isEmpty) return;
    if (this.#dirtyJobs <= this.#jobsMax / 4 && this.#dirtyBytes <= this.#bytesMax / 4) this.#dirtyWaiting.wakeAll();
  }

  get #cleanJobs(): number {
    return this.#counted(this.#jobs - this.#probationJobs) + this.#reservedJobs;
  }

  get #cleanBytes(): number {
    const jobs = this.#jobs - this.#probationJobs;
    const bytes = this.#bytes - this.#probationBytes;
    return this.#aside.size === 0
      ? bytes + this.#reservedBytes
      : shareOf(bytes, this.#counted(jobs), jobs) + this.#reservedBytes;
  }

  /** Of jobs that are clean, those not set aside. */
  #counted(jobs: number): number {
    let counted = jobs;
    for (const { lane } of this.#aside) counted -= lane.depth;
    return counted;
  }

  /** On probation, and not set aside. */
  get #dirtyJobs(): number {
    let counted = this.#probationJobs;
    for (const { probationLane } of this.#aside) counted -= probationLane.depth;
    return counted;
  }

  get #dirtyBytes(): number {
    return this.#aside.size === 0
      ? this.#probationBytes
      : shareOf(this.#probationBytes, this.#dirtyJobs, this.#probationJobs);
  }

  /** For jobs that are not on probation. */
  get #jobsRoom(): number {
    return this.#jobsMax - Math.max(0, this.#dirtyJobs - this.#jobsMax / 2);
  }

  get #bytesRoom(): number {
    return this.#bytesMax - Math.max(0, this.#dirtyBytes - this.#bytesMax / 2);
  }
}

/** The bytes of `part` of `jobs`, each taken to have as many. */
function shareOf(bytes: number, part: number, jobs: number): number {
  return jobs === 0 ? bytes : (bytes * part) / jobs;
}
