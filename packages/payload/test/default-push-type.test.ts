import { describe, expect, it } from 'vitest';
import { BatchBuilder, InlinePreparer, WorkerPreparer } from '../src/index.ts';
import type { Preparer } from '../src/index.ts';

const token = 'c9d4c07cfbbc26d6ef87a44d53e169831096a5d5fd82547556659dd9c4e0f1a2';
const lines = Buffer.from(
  [
    `{"token":"${token}","payload":{"aps":{"alert":"Hi"}}}`,
    `{"token":"${token}","pushType":"alert","payload":{"aps":{"alert":"Hi"}}}`,
    `{"token":"${token}","payload":{"aps":{"content-available":1}}}`,
    '',
  ].join('\n'),
);

async function pushTypesBy(preparer: Preparer, defaultPushType: string | null): Promise<string[]> {
  const { heads, index, count } = await preparer.prepare(lines, 1, { defaultPushType });
  await preparer.close();
  return Array.from({ length: count }, (_, record) => heads[index[record * 16 + 13]].pushType.name);
}

describe('the default push type', () => {
  it.each([
    ['on the calling thread', () => new InlinePreparer()],
    ['in a worker thread', () => new WorkerPreparer({ workersMax: 1 })],
  ])('%s is that of jobs that name none', async (_where, make) => {
    expect(await pushTypesBy(make(), 'voip')).toEqual(['voip', 'alert', 'voip']);
    expect(await pushTypesBy(make(), null)).toEqual(['alert', 'alert', 'background']);
  });

  it('is that of job objects too', () => {
    const builder = new BatchBuilder();
    builder.defaultPushType = 'liveactivity';
    builder.addObject({ token, payload: { aps: { event: 'end' } } }, 1);
    expect(builder.take().heads[0].pushType.name).toBe('liveactivity');
  });
});
