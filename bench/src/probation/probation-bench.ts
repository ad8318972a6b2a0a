/** Whether bad device tokens slow good ones down. */
import { formatRefereeReport, spawnSimulator } from '@carillon/simulator';
import type { ScriptedToken, SpawnedSimulator } from '@carillon/simulator';
import type { Bench, BenchContext, Row } from '../bench.ts';
import { rowNamed } from '../bench.ts';
import { runTask } from '../load/run-client.ts';
import { refusedTokens } from './batches.ts';
import type { BatchReport, ProbationReport, ProbationTask } from './probation-process.ts';

/** The clean batch beside the dirty one takes at most so many times as long as alone. */
const ratioMax = 1.2;
/** Where there is think time: what was reported of the real gateway, round trip included (40 to 80 ms). */
const thinkMs = 50;

interface Variant {
  readonly name: string;
  readonly says: string;
  readonly apps: ProbationTask['apps'];
  readonly refused: ScriptedToken;
  readonly thinkMs: number;
}

const twoApps = { clean: 'news', dirty: 'shop' } as const;
const oneApp = { clean: 'news', dirty: 'news' } as const;
const bad: ScriptedToken = { kind: 'bad' };

const variants: readonly Variant[] = [
  { name: 'apps', says: 'two apps of one team', apps: twoApps, refused: bad, thinkMs: 0 },
  { name: 'calls', says: 'two calls of one app', apps: oneApp, refused: bad, thinkMs: 0 },
  { name: 'apps-50ms', says: `two apps, ${thinkMs} ms for a reply`, apps: twoApps, refused: bad, thinkMs },
  { name: 'calls-50ms', says: `two calls, ${thinkMs} ms for a reply`, apps: oneApp, refused: bad, thinkMs },
  {
    name: 'apps-410',
    says: 'two apps, devices that are gone',
    apps: twoApps,
    refused: { kind: 'unregistered' },
    thinkMs: 0,
  },
];

export const probationBench: Bench = {
  name: 'probation',
  question:
    'how much longer does a clean batch take beside one of which 30 % is refused, than alone?\n' +
    'Read by whoever sends for several apps, or campaigns of unequal care. The gateway lowers its stream limit to 1 after\n' +
    `each refusal other than 410, and has a referee. At most ${ratioMax} is right.`,
  run: runRows,
  conclude: (rows) =>
    variants.flatMap(({ name, says }) => {
      const ratio = rowNamed(rows, `${name}/clean-beside-dirty`)?.['ratio'];
      return typeof ratio !== 'number'
        ? []
        : [`${says}: the clean batch takes ${ratio} times as long beside the dirty one`];
    }),
  check: (rows) =>
    rows.flatMap(({ name, ratio }) =>
      typeof ratio === 'number' && !(ratio <= ratioMax)
        ? [`${name}: ratio ${ratio}, at most ${ratioMax} is right`]
        : [],
    ),
};

async function runRows(context: BenchContext): Promise<Row[]> {
  const pushes = context.isQuick ? 20_000 : 200_000;
  const rows: Row[] = [];
  for (const variant of variants) {
    if (!rowNamesOf(variant).some((row) => context.wants(row))) continue;
    rows.push(...(await runVariant(variant, pushes, context)));
  }
  return rows.filter((row) => context.wants(row.name));
}

function rowNamesOf({ name }: Variant): string[] {
  return ['clean-alone', 'clean-beside-dirty', 'dirty'].map((row) => `${name}/${row}`);
}

/** Alone, beside, alone again: what the machine does meanwhile shows in the two that should be alike. */
async function runVariant(variant: Variant, pushes: number, context: BenchContext): Promise<Row[]> {
  const { name, says, apps } = variant;
  const { signal, progress } = context;
  signal.throwIfAborted();
  await using gateway = await openGateway(variant, pushes);
  const send = async (isBeside: boolean): Promise<ProbationReport> => {
    progress(
      `${name} (${says}): ${pushes.toLocaleString('en-US')} clean pushes, ${isBeside ? 'beside as many dirty ones' : 'alone'}`,
    );
    const { endpoint, ca, keyPem, keyId, teamId, identity } = gateway;
    const task: ProbationTask = { endpoint, ca, keyPem, keyId, teamId, topic: identity.topic, pushes, isBeside, apps };
    const report = await runTask<ProbationReport>('probation/probation-process', task, { signal });
    expectAll(name, report, pushes, variant.refused.kind === 'bad' ? '400' : '410');
    return report;
  };
  const before = await send(false);
  const beside = await send(true);
  const after = await send(false);
  const conduct = await gateway.report();
  if (conduct === null || conduct.verdict !== 'clean')
    throw new Error(`${name}: ${conduct === null ? 'there was no referee' : formatRefereeReport(conduct)}`);
  const alone = [before, after].map((report) => report.clean.wallMs);
  const aloneMs = (alone[0] + alone[1]) / 2;
  const { clean, dirty } = beside;
  progress(
    `${name}: alone ${alone.map((ms) => (ms / 1000).toFixed(1)).join(' and ')} s, beside ${(clean.wallMs / 1000).toFixed(1)} s`,
  );
  return [
    rowOf(`${name}/clean-alone`, pushes, before, aloneMs, { spread: rounded(Math.max(...alone) / Math.min(...alone)) }),
    rowOf(`${name}/clean-beside-dirty`, pushes, beside, clean.wallMs, { ratio: rounded(clean.wallMs / aloneMs) }),
    rowOf(`${name}/dirty`, pushes, beside, (dirty as BatchReport).wallMs, { refused: pushes * 0.3 }), // it was beside
  ];
}

function openGateway({ refused, thinkMs: replyMs }: Variant, pushes: number): Promise<SpawnedSimulator> {
  const tokens = Object.fromEntries(refusedTokens(pushes).map((token) => [token, refused]));
  return spawnSimulator({
    http2: { dropsStreamsAfterRejection: true },
    rules: { tokens },
    referee: true,
    ...(replyMs === 0 ? {} : { latency: { replyMs } }),
  });
}

/** A row counts only when every push got the answer it had to get. */
function expectAll(name: string, { clean, dirty }: ProbationReport, pushes: number, refusal: string): void {
  const right = {
    clean: { '200': pushes },
    dirty: dirty === null ? null : { '200': pushes * 0.7, [refusal]: pushes * 0.3 },
  };
  const got = { clean: clean.statuses, dirty: dirty?.statuses ?? null };
  for (const batch of ['clean', 'dirty'] as const) {
    const [expected, found] = [JSON.stringify(right[batch]), JSON.stringify(got[batch])];
    if (expected !== found) throw new Error(`${name}: the ${batch} batch was answered ${found}, right is ${expected}`);
  }
}

function rowOf(name: string, n: number, report: ProbationReport, wallMs: number, more: Record<string, number>): Row {
  return {
    name,
    n,
    seconds: rounded(wallMs / 1000),
    pushesPerSecond: Math.round((n / wallMs) * 1000),
    dials: report.dials,
    ...more,
  };
}

function rounded(figure: number): number {
  return Math.round(figure * 1000) / 1000;
}
