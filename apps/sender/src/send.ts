// `carillon send`: jobs from inputs through the engine to receipts. One screen: prepare, send, end.
import { EngineClosedError, RecipientsFullError } from '@carillon/engine';
import type { Campaign, Engine } from '@carillon/engine';

import { UsageError } from './command-line/usage-error.ts';
import { openCampaign } from './campaign.ts';
import { openEngine } from './config/open-engine.ts';
import { inputIdentity, isSameFile } from './config/send-config.ts';
import type { SendConfig } from './config/send-config.ts';
import { exitCodeOf } from './exit-code.ts';
import type { ExitCode } from './exit-code.ts';
import { readEarlierReceipts } from './input/earlier-receipts.ts';
import type { EarlierReceipts } from './input/earlier-receipts.ts';
import { openInput } from './input/job-input.ts';
import type { JobInput } from './input/job-input.ts';
import { Interruption } from './interruption.ts';
import { ReceiptWriter } from './receipts/receipt-writer.ts';
import type { ReceiptsEnd } from './receipts/receipt-writer.ts';
import { openReceiptFile, streamTarget } from './receipts/receipt-target.ts';
import type { ReceiptTarget } from './receipts/receipt-target.ts';
import { EventLog } from './report/event-log.ts';
import type { Log } from './report/log.ts';
import { logProgress, showBar } from './report/progress.ts';
import type { Progress, ProgressNow } from './report/progress.ts';
import { jsonSummary, textSummary } from './report/summary.ts';
import type { Summary } from './report/summary.ts';
import { Tally } from './report/tally.ts';

/** Throws `UsageError` as long as nothing was sent. */
export async function send(config: SendConfig, log: Log): Promise<ExitCode> {
  const sending = await prepare(config, log);
  const progress = showProgress(sending);
  const startedMs = performance.now();
  let receipts: ReceiptsEnd | null;
  try {
    await sendInputs(sending);
    await sending.engine.drain();
  } finally {
    // Even after a bug of ours: what is settled is on the disk.
    receipts = (await sending.writer?.close()) ?? null;
    sending.interruption[Symbol.dispose]();
    progress.stop();
  }
  const summary = summarise(sending, receipts, performance.now() - startedMs);
  await printSummary(config, summary);
  return summary.exitCode;
}

/** Everything that one run holds. */
interface Sending {
  readonly config: SendConfig;
  readonly log: Log;
  readonly inputs: readonly JobInput[];
  readonly earlier: EarlierReceipts | null;
  readonly engine: Engine;
  /** Null: the inputs hold jobs. */
  readonly campaign: Campaign | null;
  readonly events: EventLog;
  readonly tally: Tally;
  /** Null: receipts go nowhere. */
  readonly writer: ReceiptWriter | null;
  readonly interruption: Interruption;
  /** Read no more: interrupted, or receipts cannot be written. */
  readonly stop: AbortSignal;
}

/** Everything that can be wrong is found here. The receipts file is made last: a mistake leaves none behind. */
async function prepare(config: SendConfig, log: Log): Promise<Sending> {
  const { logger } = log;
  const { receipts } = config;
  if (receipts.kind === 'file' && config.inputs.some((name) => isSameFile(name, receipts.path))) {
    throw new UsageError(`${receipts.path} is an input and the receipts file at once`);
  }
  const earlier = await readEarlier(config);
  // A campaign is told which lines are settled: it has to remember their device tokens.
  const blanked = config.campaign === null ? (earlier?.settled ?? null) : null;
  const inputs = await Promise.all(config.inputs.map((name) => openInput(name, blanked)));
  const events = new EventLog(logger);
  const { engine, looseFiles } = await openEngine(config, (event) => events.onEvent(event));
  for (const { path, mode } of looseFiles) {
    logger.warn({ path, mode }, 'others on this machine may read this secret; chmod 600 would keep it');
  }
  const reading = new AbortController();
  const { campaign, target } = await openEnds(config, { engine, inputs, earlier, stop: reading.signal }).catch(
    async (error: unknown) => {
      await engine.close();
      throw error;
    },
  );
  const writer =
    target === null
      ? null
      : new ReceiptWriter(target, (message) => {
          logger.error(`receipts cannot be written: ${message}; reading stops, jobs under way are finished`);
          reading.abort();
        });
  const interruption = new Interruption();
  interruption.stop.addEventListener('abort', () => reading.abort());
  const tally = new Tally();
  const stop = reading.signal;
  const sending = { config, log, inputs, earlier, engine, campaign, events, tally, writer, interruption, stop };
  if (earlier !== null) tellEarlier(sending, earlier);
  onInterruption(sending);
  for (const { code, path, message } of campaign?.warnings ?? []) logger.warn({ code, path }, message);
  return sending;
}

interface Opened {
  readonly engine: Engine;
  readonly inputs: readonly JobInput[];
  readonly earlier: EarlierReceipts | null;
  readonly stop: AbortSignal;
}

async function openEnds(
  config: SendConfig,
  opened: Opened,
): Promise<{ readonly campaign: Campaign | null; readonly target: ReceiptTarget | null }> {
  const { engine, inputs, earlier, stop } = opened;
  const settled = earlier?.settled.get(inputIdentity(inputs[0].name)) ?? null;
  const campaign = config.campaign === null ? null : await openCampaign(engine, config, inputs[0], settled, stop);
  return { campaign, target: await openTarget(config, earlier) };
}

async function readEarlier({ receipts, inputs }: SendConfig): Promise<EarlierReceipts | null> {
  return receipts.kind === 'file' && receipts.isResumed ? readEarlierReceipts(receipts.path, inputs) : null;
}

async function openTarget({ receipts }: SendConfig, earlier: EarlierReceipts | null): Promise<ReceiptTarget | null> {
  switch (receipts.kind) {
    case 'none':
      return null;
    case 'stdout':
      return streamTarget('stdout', process.stdout);
    case 'file':
      return openReceiptFile(receipts.path, earlier === null ? { kind: 'new' } : { kind: 'continued', ...earlier });
  }
}

function tellEarlier({ log: { logger } }: Sending, { lines, accepted, others, tornBytes }: EarlierReceipts): void {
  logger.info({ settled: lines, accepted }, 'continuing: lines that are settled are skipped');
  if (tornBytes > 0) logger.warn({ tornBytes }, 'the last receipt was torn and is removed; its job is sent again');
  if (others > 0) logger.warn({ receipts: others }, 'receipts of other inputs are left as they are');
}

function onInterruption({ engine, interruption, log: { logger } }: Sending): void {
  interruption.stop.addEventListener('abort', () => {
    const { jobs } = engine.stats();
    logger.warn(
      { underWay: jobs },
      'interrupted: no more is read, jobs under way are finished; Ctrl-C again gives them up',
    );
  });
  interruption.abandon.addEventListener('abort', () => {
    const { jobs } = engine.stats();
    logger.warn({ underWay: jobs }, 'interrupted again: jobs under way are given up');
    engine.close().catch((error: unknown) => logger.error({ err: error }, 'the engine did not close'));
  });
}

// 16: answers to the ends of small files come while the next ones are read; each costs an open file.
const inputsAtOnce = 16;

/** In order, each from when the one before is read; the answers of several may be on their way. */
async function sendInputs(sending: Sending): Promise<void> {
  const finishing = new Set<Promise<void>>();
  for (const input of sending.inputs) {
    if (sending.stop.aborted) break;
    const finished = sendInput(sending, input);
    finishing.add(finished);
    finished.then(
      () => finishing.delete(finished),
      () => undefined, // stays in the set, for Promise.all below to throw
    );
    await Promise.race([input.whenRead, finished]);
    if (finishing.size >= inputsAtOnce) await Promise.race(finishing);
  }
  await Promise.all(finishing);
}

async function sendInput({ engine, campaign, stop, tally, writer, log }: Sending, input: JobInput): Promise<void> {
  try {
    for await (const receipts of campaign ?? engine.sendBytes(input.lines(stop), { file: input.name, stop })) {
      tally.add(receipts);
      await writer?.write(receipts);
    }
  } catch (error) {
    if (error instanceof RecipientsFullError) input.end(recipientsFull(error));
    // Given up by a second Ctrl-C before it began.
    else if (!(error instanceof EngineClosedError)) throw error;
  }
  if (input.fault !== null) log.logger.error({ input: input.name }, `reading ended early: ${input.fault}`);
}

function recipientsFull({ line }: RecipientsFullError): string {
  return (
    `at line ${line}: as many device tokens are remembered as may be, and whether the next was sent to is not known; ` +
    '--resume with --duplicates fingerprints, or off, sends the rest'
  );
}

function showProgress(sending: Sending): Progress {
  const { config, engine, inputs, tally, log } = sending;
  const sizes = inputs.map((input) => input.sizeBytes);
  const totalBytes = sizes.reduce<number | null>((sum, size) => (sum === null || size === null ? null : sum + size), 0);
  const now = (): ProgressNow => ({
    settled: tally.settled,
    accepted: tally.accepted,
    underWay: engine.stats().jobs,
    readBytes: inputs.reduce((sum, input) => sum + input.readBytes, 0),
    totalBytes,
  });
  if (config.isQuiet) return { stop: () => undefined };
  // Receipts that scroll by and a bar do not share a terminal.
  const hasRoomForBar = process.stderr.isTTY && !(config.receipts.kind === 'stdout' && process.stdout.isTTY);
  return hasRoomForBar ? showBar(process.stderr, now) : logProgress(log.logger, now);
}

function summarise(
  sending: Sending,
  receipts: ReceiptsEnd | null,
  durationMs: number,
): Summary & { readonly exitCode: ExitCode } {
  const { config, earlier, engine, events, inputs, interruption, tally } = sending;
  const { dialFailures } = engine.stats();
  const isInterrupted = interruption.stop.aborted;
  const skipped = inputs.reduce((sum, input) => sum + input.skipped, sending.campaign?.progress().skipped ?? 0);
  const notAccepted = earlier === null ? 0 : earlier.lines - earlier.accepted;
  const faults = inputs.flatMap(({ name, fault }) => (fault === null ? [] : [`${name}: reading ended ${fault}`]));
  if (receipts !== null && receipts.fault !== null) faults.push(`receipts: ${receipts.fault}`);
  const exitCode = exitCodeOf({
    isInterrupted,
    jobs: tally.settled,
    accepted: tally.accepted,
    skipped: earlier?.lines ?? 0,
    skippedAccepted: earlier?.accepted ?? 0,
    answered: tally.answered,
    unreachable: tally.unreachable,
    credential: tally.credential,
    connectionsOpened: events.opened,
    dialFailures,
    hasFault: faults.length > 0,
  });
  return {
    jobs: tally.settled,
    accepted: tally.accepted,
    rejected: tally.rejected,
    unregistered: tally.unregistered,
    abandoned: tally.abandoned,
    reasons: tally.reasons(10),
    truncated: tally.truncated,
    warned: tally.warned,
    warnings: tally.warnings(5),
    skipped,
    skippedNotAccepted: notAccepted,
    durationMs: Math.round(durationMs),
    pushesPerSecond: Math.round((tally.settled / Math.max(1, durationMs)) * 1000),
    attempts: tally.attempts,
    connections: events.opened,
    dialFailures,
    interrupted: isInterrupted,
    unfinishedInputs: inputs.filter((input) => !input.isAtEnd).map((input) => input.name),
    receipts: config.receipts.kind === 'file' ? config.receipts.path : config.receipts.kind === 'stdout' ? '-' : null,
    receiptsLost: receipts?.lost ?? 0,
    errors: [...faults, ...(tally.accepted === 0 ? events.troubles : [])],
    exitCode,
  };
}

/** JSON goes to stdout even under --quiet: it was asked for. Receipts come first there. */
async function printSummary({ summary: form, receipts }: SendConfig, summary: Summary): Promise<void> {
  if (form === 'none') return;
  const text = form === 'json' ? jsonSummary(summary) : textSummary(summary);
  const stream = receipts.kind === 'stdout' ? process.stderr : process.stdout;
  // Resolves also when nobody reads any more: the exit code still tells.
  await new Promise<void>((resolve) => {
    stream.once('error', () => resolve());
    stream.write(text, () => resolve());
  });
}
