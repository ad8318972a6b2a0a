/** What a push of a campaign costs, beside a push whose record is prepared already. */
import type { Row } from '../bench.ts';
import { rowNamed } from '../bench.ts';
import { client } from '../load/clients.ts';
import type { LoadRow } from '../load/load-rows.ts';
import { runClient } from '../load/run-client.ts';

const engine = client('engine', 'engine/prepared', 'fast');
const fixed = campaignRow('campaign-fixed', 'fixed');
const threeVariables = campaignRow('campaign-3-variables', 'three-variables');

export const campaignRows: readonly LoadRow[] = [engine, fixed, threeVariables];

function campaignRow(name: string, work: string): LoadRow {
  const env = { CARILLON_BENCH_CAMPAIGN: work };
  return {
    name,
    pace: 'fast',
    variants: [{}],
    run: (task, _gateway, signal) => runClient('payload/campaign-process', task, { env, signal }),
  };
}

export function concludeCampaigns(found: readonly Row[]): string[] {
  const [ours, once, many] = [engine, fixed, threeVariables].map(({ name }) => costOf(found, name));
  const lines: string[] = [];
  if (ours !== null && once !== null)
    lines.push(`campaign-fixed: ${(once / ours).toFixed(2)} times the CPU of the engine's own row (aim: 1.2 or less)`);
  if (once !== null && many !== null)
    lines.push(`campaign-3-variables: ${(many - once).toFixed(2)} µs more than campaign-fixed (aim: 1 or less)`);
  return lines;
}

/** Compiled and dialled: a start-up of a second would be a microsecond of a million pushes. */
function costOf(found: readonly Row[], name: string): number | null {
  return rowNamed(found, name)?.steadyCpuMicrosPerPush ?? null;
}
