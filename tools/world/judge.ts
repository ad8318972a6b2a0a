// What holds after every world, whatever went wrong in it: the invariants of the design, and the verdict of the referee.
// Three sources that know nothing of one another are held together: receipts, the gateways' ledgers, the engine's counts.
import { createHash } from 'node:crypto';
import type { Outcome, Receipt } from '../../packages/engine/src/index.ts';
import type { JobObject } from '../../packages/payload/src/index.ts';
import type { LedgerEntry } from '../../packages/simulator/src/index.ts';
import { idOf, SourceFault } from './calls.ts';
import type { CallRecord } from './calls.ts';
import { secrets } from './credentials.ts';
import { excuseOf } from './excuses.ts';
import type { Observed } from './run.ts';

export interface Finding {
  readonly invariant: string;
  readonly what: string;
}

/** One job that was settled, in whichever way its caller asked. */
interface Settled {
  readonly job: JobObject;
  readonly outcome: 'accepted' | 'rejected' | 'unregistered' | 'abandoned';
  /** Of the gateway; null when it was not asked or did not answer. */
  readonly status: number | null;
  readonly apnsId: string | null;
  readonly because: string | null;
  readonly processed: 'no' | 'unknown' | null;
  readonly attempts: number | null;
}

/** Findings of one invariant that are told; more say the same. */
const toldMost = 3;

export function judge(observed: Observed): Finding[] {
  const findings: Finding[] = [];
  const find = (invariant: string, what: string): void => {
    if (findings.filter((one) => one.invariant === invariant).length < toldMost) findings.push({ invariant, what });
  };
  checkEnd(observed, find);
  for (const { invariant, what } of observed.breaches) find(invariant, what);
  const settled = observed.calls.flatMap((call) => checkCall(call, observed, find));
  checkLedger(settled, observed, find);
  checkSecrets(observed, find);
  if (observed.end === 'over' && observed.escaped.length === 0) checkNothingLeft(observed, find);
  checkConduct(observed, find);
  return findings;
}

type Find = (invariant: string, what: string) => void;

function checkEnd({ end, escaped, calls, stats, virtualMs }: Observed, find: Find): void {
  for (const error of escaped) {
    find('contained', `nobody caught: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
  if (end === 'over' || escaped.length > 0) return;
  const open = calls.filter(({ isOver }) => !isOver).map(({ plan }) => plan.name);
  const { jobs, waiting, onWire, putOff } = stats;
  const held = JSON.stringify({ jobs, waiting, onWire, putOff });
  const unended = open.length === 0 ? 'only the closing' : open.join(', ');
  find(
    'ends',
    `not over (${end}) after ${(virtualMs / 1000).toFixed(1)} s: ${unended} did not end; the engine: ${held}`,
  );
}

// ── one job, one receipt ───────────────────────────────────────────────────────────────────────────────────────────

function checkCall(call: CallRecord, observed: Observed, find: Find): Settled[] {
  if (call.plan.kind === 'single') return checkSingles(call, observed, find);
  const { plan, receipts, given } = call;
  const seen = new Map<string, Receipt>();
  for (const receipt of receipts) {
    const id = receipt.id ?? `line ${receipt.line}`;
    if (seen.has(id)) find('one-receipt', `${id} has two receipts or more`);
    seen.set(id, receipt);
  }
  const isEnded = call.isOver && observed.escaped.length === 0;
  const isShort = call.isCancelled || call.isStopped || call.hasLeft || observed.wasClosedEarly;
  const isLate = call.error !== null && !(call.error instanceof SourceFault);
  if (call.error !== null && !isExpected(call.error, observed))
    find('contained', `${plan.name} threw ${describe(call.error)}`);
  const pulled = plan.jobs.slice(0, given);
  if (isEnded && !call.hasLeft && !isLate) {
    // What was pulled is settled. Lines may be pulled and not begun when a call is ended from outside; then those that
    // were begun are the first ones.
    const isSlow = plan.source.delayMs !== null;
    // … and a source that was waited for gives one more to nobody.
    const most = plan.kind === 'bytes' ? seen.size : isSlow ? given - 1 : given;
    const begun = isShort ? pulled.slice(0, Math.max(0, most)) : pulled;
    for (const job of begun) if (!seen.has(idOf(job))) find('one-receipt', `${idOf(job)} has no receipt`);
    if (!isShort && call.error === null && given < plan.jobs.length)
      find('one-receipt', `${plan.name}: ${given} of ${plan.jobs.length} jobs were pulled, and nobody ended it`);
  }
  const known = new Map(plan.jobs.map((job) => [idOf(job), job]));
  const settled: Settled[] = [];
  for (const [id, receipt] of seen) {
    const job = known.get(id);
    if (job === undefined) {
      find('one-receipt', `a receipt for ${id}, which nobody gave`);
      continue;
    }
    const { outcome, status, apnsId, because = null, processed = null, attempts } = receipt;
    if (job.apnsId !== undefined && apnsId !== null && apnsId !== job.apnsId)
      find('one-receipt', `the receipt of ${id} names another apns-id than the job`);
    settled.push({ job, outcome, status, apnsId, because, processed, attempts });
  }
  return settled;
}

function checkSingles(call: CallRecord, observed: Observed, find: Find): Settled[] {
  const { plan, outcomes, given } = call;
  if (call.isOver && observed.escaped.length === 0 && outcomes.size !== given)
    find('one-receipt', `${plan.name}: ${given} jobs were sent, ${outcomes.size} promises settled`);
  const settled: Settled[] = [];
  for (const [at, outcome] of outcomes) {
    const job = plan.jobs[at];
    if (outcome instanceof Error) {
      const code = (outcome as { code?: string }).code;
      const isOurs = code === 'ERR_ENGINE_FULL' || (code === 'ERR_ENGINE_CLOSED' && observed.wasClosedEarly);
      if (!isOurs) find('contained', `${job.id} was not taken: ${String(outcome)}`);
      continue;
    }
    settled.push(settledOf(job, outcome));
  }
  return settled;
}

function settledOf(job: JobObject, outcome: Outcome): Settled {
  const isAbandoned = outcome.kind === 'abandoned';
  return {
    job,
    outcome: outcome.kind,
    status: outcome.kind === 'rejected' || outcome.kind === 'unregistered' ? outcome.status : null,
    apnsId: outcome.kind === 'accepted' ? outcome.apnsId : (job.apnsId ?? null),
    because: isAbandoned ? outcome.because : null,
    processed: isAbandoned ? outcome.processed : null,
    attempts: null,
  };
}

function isExpected(error: unknown, observed: Observed): boolean {
  if (error instanceof SourceFault) return true;
  const code = (error as { code?: string }).code;
  return code === 'ERR_ENGINE_CLOSED' && observed.wasClosedEarly;
}

// ── receipts and ledgers ───────────────────────────────────────────────────────────────────────────────────────────

function checkLedger(settled: readonly Settled[], observed: Observed, find: Find): void {
  const entries = new Map<string, LedgerEntry[]>();
  for (const entry of observed.ledger) {
    const id = entry.apnsId.toLowerCase();
    const known = entries.get(id);
    if (known === undefined) entries.set(id, [entry]);
    else known.push(entry);
  }
  // A 200 whose stream was reset behind its status: the ledger knows of no whole answer.
  const answersInPart = observed.plan.faults.some(
    (fault) =>
      fault.part === 'gateway' && fault.fault.action.kind === 'rst' && fault.fault.action.afterHeaders === true,
  );
  let doubled = 0;
  for (const { job, outcome, status, apnsId, because, processed } of settled) {
    const asked = apnsId === null ? [] : (entries.get(apnsId.toLowerCase()) ?? []);
    if (apnsId !== null) entries.delete(apnsId.toLowerCase());
    const accepted = asked.filter((entry) => entry.status === 200).length;
    // Null: taken, and answered by a reset or not at all.
    const taken = asked.filter((entry) => entry.status === 200 || entry.status === null).length;
    const name = job.id ?? '';
    if (outcome === 'accepted' && accepted === 0 && !(answersInPart && taken > 0))
      find('accepted-in-ledger', `${name} was accepted, and the gateway took no ${apnsId}`);
    if (processed === 'no' && taken > 0)
      find('not-processed', `${name} was abandoned (${because}) as surely not processed, and the gateway took it`);
    if (because === 'ambiguous' && processed !== 'unknown')
      find('not-processed', `${name} was ambiguous, and its receipt says processed ${processed}`);
    const mayResend = (job.onAmbiguous ?? observed.plan.engine.onAmbiguous) === 'resend';
    if (!mayResend && taken > 1)
      find('resend-allowed', `${name} was taken ${taken} times, and wanted no resend in doubt`);
    if (taken > 1) doubled += taken - 1;
    for (const entry of asked) checkAsGiven(entry, job, observed, find);
    if (
      outcome === 'unregistered' &&
      status !== null &&
      apnsId !== null &&
      !asked.some((entry) => entry.status === 410 || entry.status === 400)
    )
      find('accepted-in-ledger', `${name} is unregistered, and no gateway said so`);
  }
  if (doubled > observed.stats.ambiguous)
    find(
      'resend-allowed',
      `${doubled} pushes were taken again, and only ${observed.stats.ambiguous} attempts were in doubt`,
    );
  // What nobody has a receipt for must have a caller that went away.
  const hasLeft = observed.calls.some((call) => call.hasLeft || !call.isOver || call.error !== null);
  const hasSingles = observed.calls.some(({ plan }) => plan.kind === 'single');
  if (!hasLeft && !hasSingles && observed.escaped.length === 0)
    for (const id of entries.keys()) find('one-receipt', `the gateway took ${id}, and no receipt names it`);
}

/** What arrived is what was given, to the octet. */
function checkAsGiven(entry: LedgerEntry, job: JobObject, { plan }: Observed, find: Find): void {
  const name = job.id ?? '';
  if (entry.token.toLowerCase() !== job.token?.toLowerCase()) find('as-given', `${name} went to another device`);
  const topic = plan.apps.find((app) => app.name === job.app)?.topic;
  if (topic !== undefined && entry.topic !== topic) find('as-given', `${name} went to topic ${entry.topic}`);
  const expected = [
    ['priority', job.priority, entry.priority],
    ['expiration', job.expiration, entry.expiration],
    ['collapseId', job.collapseId, entry.collapseId],
  ] as const;
  for (const [field, given, arrived] of expected) {
    if (given !== undefined && String(given) !== arrived)
      find('as-given', `${name}: ${field} ${String(given)} arrived as ${arrived}`);
  }
  if (entry.payloadSha256 !== sha256Of(JSON.stringify(job.payload)))
    find('as-given', `the payload of ${name} arrived changed`);
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

// ── secrets ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** So many digits of a device token are the device token. */
const tellingDigits = 16;

function checkSecrets({ plan, events, calls, escaped }: Observed, find: Find): void {
  const texts = events.map((event) => JSON.stringify(event));
  for (const { error, outcomes } of calls) {
    if (error !== null) texts.push(describe(error));
    for (const outcome of outcomes.values()) if (outcome instanceof Error) texts.push(describe(outcome));
  }
  for (const error of escaped) texts.push(describe(error));
  const all = texts.join('\n').toLowerCase();
  for (const { token } of plan.devices) {
    if (all.includes(token.slice(0, tellingDigits))) find('secrets-kept', 'a device token is in an event or an error');
  }
  for (const secret of secrets()) {
    if (all.includes(secret.toLowerCase()))
      find('secrets-kept', 'a key or a provider token is in an event or an error');
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.stack ?? ''} ${error.message} ${describe(error.cause)}` : String(error);
}

// ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────────

function checkNothingLeft({ stats, timersLeft }: Observed, find: Find): void {
  const { jobs, jobBytes, waiting, onWire, putOff, onProbation, connections, dialing, socketBytes } = stats;
  const rest = { jobs, jobBytes, waiting, onWire, putOff, onProbation, connections, dialing, socketBytes };
  const left = Object.entries(rest).filter(([, value]) => value !== 0);
  if (left.length > 0) find('stats-zero', `after the end: ${JSON.stringify(Object.fromEntries(left))}`);
  if (timersLeft > 0) find('stats-zero', `after the end ${timersLeft} timers are set`);
}

/** By rule, why violations of this world were not held against the engine. */
export function excusesOf(observed: Observed): string[] {
  const broken = observed.gateways.flatMap(({ report }) => report.rules.filter(({ violations }) => violations > 0));
  return broken.flatMap(({ id }) => {
    const excuse = excuseOf(id, observed);
    return excuse === null ? [] : [`${id}: ${excuse}`];
  });
}

// ── conduct ────────────────────────────────────────────────────────────────────────────────────────────────────────

function checkConduct(observed: Observed, find: Find): void {
  for (const { report, stats } of observed.gateways) {
    for (const [fault, times] of Object.entries(stats.connectionFaults)) {
      if (excuseOf('gateway-fault', observed) === null)
        find('wire-clean', `the gateway found a fault ${times} times: ${fault}`);
    }
    for (const rule of report.rules) {
      if (rule.violations === 0 || excuseOf(rule.id, observed) !== null) continue;
      const example = rule.examples[0]?.text ?? '';
      find('conduct', `${rule.id}: ${rule.violations} violations; ${example}`);
    }
  }
}
