// Looks at the engine while the world runs: what it says of itself must add up at every moment, and stay within its
// limits. Four counts that are kept apart (jobs at the door, lanes, heaps, streams) have to agree: a push is in exactly
// one of its states.
import type { Engine, EngineStats } from '../../packages/engine/src/index.ts';
import type { Plan } from './plan.ts';

export interface Breach {
  /** The invariant's name. */
  readonly invariant: string;
  readonly what: string;
}

/** What each call may bring in at a door that was not full when it looked (`feed.ts`, `sender.ts`): one batch. */
const jobsPerBatch = 256;
/** A source that hesitates has a batch for each of its turns. */
const jobsOfSlowSource = 8;
/** A line of 65,536 bytes and its line feed. */
const pieceBytesLeast = 65_537;
/** The largest job that is taken, with its arena's share. */
const jobBytesMost = 8_192;

export class Audit {
  readonly #engine: Engine;
  readonly #plan: Plan;
  readonly #batches: { readonly jobs: number; readonly bytes: number };
  readonly breaches: Breach[] = [];
  looks = 0;
  jobsMost = 0;
  onWireMost = 0;

  constructor(engine: Engine, plan: Plan) {
    this.#engine = engine;
    this.#plan = plan;
    this.#batches = batchesOf(plan);
  }

  /** Between two turns, when nothing is half done. */
  look(now: number): void {
    const stats = this.#engine.stats();
    this.looks++;
    this.jobsMost = Math.max(this.jobsMost, stats.jobs);
    this.onWireMost = Math.max(this.onWireMost, stats.onWire);
    this.#oneState(stats, now);
    this.#bounded(stats, now);
  }

  #oneState(stats: EngineStats, now: number): void {
    const { jobs, waiting, onWire, putOff } = stats;
    const somewhere = waiting + onWire + putOff;
    if (jobs !== somewhere)
      this.#breach(
        'one-state',
        `${jobs} jobs, but ${waiting} wait, ${onWire} are on the wire, ${putOff} are put off`,
        now,
      );
    const streams = stats.outlets.reduce(
      (sum, { connections }) => sum + connections.reduce((open, { openStreams }) => open + openStreams, 0),
      0,
    );
    if (streams !== onWire) this.#breach('one-state', `${onWire} on the wire, but ${streams} streams are open`, now);
    const { admitted, accepted, rejected, unregistered, abandoned } = stats;
    const settled = accepted + rejected + unregistered + abandoned;
    if (admitted !== settled + jobs)
      this.#breach('one-state', `${admitted} admitted, ${settled} settled, ${jobs} under way`, now);
    const { onProbation } = stats;
    if (onProbation < 0 || onProbation > jobs)
      this.#breach('one-state', `${onProbation} of ${jobs} jobs are on probation`, now);
    if (Math.min(jobs, waiting, onWire, putOff, stats.jobBytes) < 0)
      this.#breach('one-state', `below zero: ${JSON.stringify({ jobs, waiting, onWire, putOff })}`, now);
    if (jobs === 0 && stats.jobBytes !== 0)
      this.#breach('arena-released', `no job is under way, and ${stats.jobBytes} bytes of arenas are held`, now);
  }

  #bounded(stats: EngineStats, now: number): void {
    const { limits, connectionsMax } = this.#plan.engine;
    // What is on probation has half as much room again (docs/LIMITS.md).
    const jobsMax = (limits.jobsMax ?? Infinity) * (stats.onProbation > 0 ? 1.5 : 1) + this.#batches.jobs;
    if (stats.jobs > jobsMax) this.#breach('bytes-bounded', `${stats.jobs} jobs, at most ${jobsMax} may be`, now);
    // A quarter: pushes that wait may hold their bytes beside those of their batch.
    const parts = 1.25 + (stats.onProbation > 0 ? 0.5 : 0);
    const bytesMax = (limits.jobBytesMax ?? Infinity) * parts + this.#batches.bytes;
    if (stats.jobBytes > bytesMax)
      this.#breach('bytes-bounded', `${stats.jobBytes} bytes of jobs, at most ${bytesMax} may be`, now);
    if (stats.deadDevices > (limits.deadDevicesMax ?? Infinity))
      this.#breach('bytes-bounded', `${stats.deadDevices} dead devices are remembered`, now);
    if (stats.restingDevices > (limits.restingDevicesMax ?? Infinity))
      this.#breach('bytes-bounded', `${stats.restingDevices} resting devices are remembered`, now);
    for (const { connections, endpoint } of stats.outlets) {
      const usable = connections.filter(({ state }) => state === 'open' || state === 'probing');
      const onProbation = usable.filter(({ isProbation }) => isProbation).length;
      const clean = usable.length - onProbation;
      // One more while it takes over from one that retires.
      if (clean > connectionsMax + 1)
        this.#breach('bytes-bounded', `${clean} connections to ${endpoint}, at most ${connectionsMax} may be`, now);
      if (onProbation > 1 + 1)
        this.#breach('bytes-bounded', `${onProbation} connections to ${endpoint} carry what is on probation`, now);
    }
  }

  #breach(invariant: string, what: string, now: number): void {
    if (this.breaches.length < 10) this.breaches.push({ invariant, what: `at ${(now / 1000).toFixed(3)} s: ${what}` });
  }
}

function batchesOf({ calls, engine }: Plan): { jobs: number; bytes: number } {
  // Ids and times that a job did not bring take a quarter more (`limits.ts`).
  const asked = engine.limits.batchBytes ?? 65_536;
  const batchBytes = 1.25 * asked + jobBytesMost;
  // A piece of lines holds the longest line whatever is asked (`line-splitter.ts`), and one more may be on its way.
  const pieceBytes = 1.25 * Math.max(asked, pieceBytesLeast) + jobBytesMost;
  let [jobs, bytes] = [0, 0];
  for (const call of calls) {
    const isSlow = call.kind === 'jobs' && call.source.delayMs !== null;
    jobs += isSlow ? jobsOfSlowSource : jobsPerBatch;
    if (isSlow) bytes += jobsOfSlowSource * jobBytesMost;
    else bytes += call.kind === 'bytes' ? 2 * pieceBytes : batchBytes;
  }
  return { jobs, bytes };
}
