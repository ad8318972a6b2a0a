import { describe, expect, it } from 'vitest';
import { collect, expectEmpty, jobOf, linesOf, openWorld } from './world.ts';

describe('Engine', () => {
  it('sends what is doubtful with a warning and shortens what may be, and says so in receipts and numbers', async () => {
    await using world = await openWorld();
    const lines = [
      jobOf(0),
      { ...jobOf(1), payload: { aps: { alert: 'Hi', mine: 1, badge: -1 } } },
      { ...jobOf(2), truncate: true, payload: { aps: { alert: '👩‍👩‍👧‍👦'.repeat(500), mine: 1 } } },
      { ...jobOf(3), payload: { aps: { alert: { body: 'Hi', 'loc-args': ['a', 5] } } } },
      { ...jobOf(4), truncate: true, payload: { aps: { alert: { 'loc-key': 'K', 'loc-args': ['x'.repeat(5000)] } } } },
    ];
    const receipts = (await collect(world.engine.sendBytes([linesOf(lines)]))).flat();
    const byLine = new Map(receipts.map((receipt) => [(receipt.line ?? 0) - 1, receipt]));
    const [plain, warned, shortened, refused, tooLarge] = [0, 1, 2, 3, 4].map((line) => byLine.get(line));
    expect(plain).toMatchObject({ outcome: 'accepted' });
    expect(Object.keys(plain ?? {})).not.toContain('warnings');
    expect(warned?.warnings).toEqual([
      {
        code: 'local.unknown-aps-key',
        path: 'aps.mine',
        message:
          "aps.mine is no key of Apple's; devices ignore keys of your own inside aps; beside aps the app gets them",
      },
      {
        code: 'local.odd-value',
        path: 'aps.badge',
        message: "aps.badge is -1; Apple's page knows a whole number from 0 on only",
      },
    ]);
    expect(shortened).toMatchObject({ outcome: 'accepted', truncated: true, warnings: [{ path: 'aps.mine' }] });
    expect(refused).toMatchObject({
      outcome: 'rejected',
      reason: 'local.payload-wrong-type',
      path: 'aps.alert.loc-args[1]',
      message: 'aps.alert.loc-args[1] is 5; a string is wanted',
    });
    expect(tooLarge).toMatchObject({ outcome: 'rejected', reason: 'local.payload-too-large' });
    expect(world.engine.stats()).toMatchObject({
      accepted: 3,
      refused: 2,
      truncated: 1,
      warned: 2,
      warnings: { 'local.unknown-aps-key': 2, 'local.odd-value': 1 },
    });
    expectEmpty(world.engine);
  });

  it('says the same of a job that is sent alone', async () => {
    await using world = await openWorld();
    const payload = { aps: { alert: 'x'.repeat(5000), mine: 1 } };
    expect(await world.engine.send({ ...jobOf(0), truncate: true, payload })).toMatchObject({
      kind: 'accepted',
      truncated: true,
      warnings: [{ code: 'local.unknown-aps-key', path: 'aps.mine' }],
    });
    expect(await world.engine.send({ ...jobOf(2), payload: { aps: { badge: 'x' } } })).toEqual({
      kind: 'rejected',
      status: null,
      reason: 'local.payload-wrong-type',
      path: 'aps.badge',
      message: 'aps.badge is "x"; a whole number from 0 on is wanted',
    });
    expect(Object.keys(await world.engine.send(jobOf(1)))).toEqual(['kind', 'apnsId']);
  });
});
