// `npm run campaign-trial [-- RECIPIENTS] [--profile strict|fast]`: the acceptance of campaigns, at full size unless told
// otherwise. Exit codes: 0 every receipt is right, 1 one is not, 2 bad usage, 130 interrupted.
import { parseArgs } from 'node:util';
import { runTrial } from './trial.ts';

const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());

function progress(text: string): void {
  console.error(`  campaign-trial: ${text}`);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { profile: { type: 'string', default: 'fast' } },
  });
  const recipients = Number(positionals[0] ?? 1_000_000);
  const { profile } = values;
  if (!Number.isInteger(recipients) || recipients < 1 || (profile !== 'strict' && profile !== 'fast')) {
    console.error('usage: npm run campaign-trial [-- RECIPIENTS] [--profile strict|fast]');
    return 2;
  }
  const report = await runTrial({ recipients, profile, progress, signal: interrupt.signal });
  console.log(JSON.stringify(report, null, 2));
  const isRight = report.failures.length === 0;
  console.log(
    `${report.receipts.toLocaleString('en-US')} receipts for ${recipients.toLocaleString('en-US')} lines in ` +
      `${report.seconds.toFixed(1)} s: ${isRight ? 'each is right' : 'NOT all are right'}`,
  );
  return isRight ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!interrupt.signal.aborted) throw error;
  process.exitCode = 130;
}
