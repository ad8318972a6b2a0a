// The acceptance of campaigns in small: `npm run campaign-trial` is the same with a million recipients.
import { expect, it } from 'vitest';
import { wrongs } from './recipients-list.ts';
import { runTrial } from './trial.ts';

it('a campaign of 20,000 has 20,000 receipts, and each wrong line its code and sentence', async () => {
  const report = await runTrial({ recipients: 20_000, profile: 'strict', progress: () => undefined });
  expect(report.failures).toEqual([]);
  expect(report).toMatchObject({ receipts: 20_000, accepted: 19_800, requests: 19_800 });
  expect(report.refused).toEqual(Object.fromEntries(wrongs.map(({ code }) => [code, 20])));
}, 120_000);
