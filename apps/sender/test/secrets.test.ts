// Canaries in every secret place: keys, passphrases, device tokens and payloads are looked for in all that is printed.
import { writeFile } from 'node:fs/promises';

import { startSimulator } from '@carillon/simulator';
import type { FaultScript } from '@carillon/simulator';
import { describe, expect, it } from 'vitest';

import { carillon, Desk, deviceToken, job } from './command.ts';

const passphrase = 'canary-passphrase-81c4';
const payloadCanary = 'canary-payload-5f02';

const goAwayWith = (reason: string): FaultScript => ({
  faults: [{ when: { on: 'request', nth: 2 }, action: { kind: 'goaway', reason } }],
});

describe('What carillon send prints', () => {
  it('has no key, provider token, passphrase, device token or payload in it, whatever goes wrong', async () => {
    await using desk = await Desk.open();
    const canaries = [
      passphrase,
      payloadCanary,
      // The body of the .p8, line by line.
      ...desk.identity.keyPem.split('\n').filter((line) => line.length > 20 && !line.startsWith('-----')),
      'eyJ',
      'bearer',
      ...[1, 2, 3, 4, 5].map((n) => deviceToken(n).slice(0, 16)),
    ];
    await writeFile(desk.path('passphrase.txt'), passphrase);
    const payload = { aps: { alert: payloadCanary } };
    const path = await desk.jobs([
      job(1, { payload }),
      job(2, { payload }),
      job(3, { payload, surprise: deviceToken(3) }),
      job(4, { payload, topic: `${deviceToken(4)} x` }),
      `{"token":"${deviceToken(5)}","payload":{"aps":{"alert":"${payloadCanary}"}`,
    ]);
    const runs: string[][] = [];
    await using good = await startSimulator({ identity: desk.identity });
    good.setToken(deviceToken(1), { kind: 'bad' });
    good.setToken(deviceToken(2), { kind: 'reply', status: 400, reason: `Weird ${deviceToken(2)}` });
    await using other = await startSimulator({ identity: { ...desk.identity, keyId: 'OTHERKEY99' } });
    await using leaving = await startSimulator({ identity: desk.identity, faults: goAwayWith(deviceToken(1)) });
    for (const { endpoint } of [good, other, leaving]) runs.push(desk.options(endpoint));
    runs.push(desk.options('https://127.0.0.1:1'));
    // A passphrase that fits nothing, and a key where a certificate should be.
    const wrongPassphrase = ['--cert', desk.path('key.p8'), '--cert-key', desk.path('key.p8')];
    runs.push([
      ...desk.options(good.endpoint).slice(0, 6),
      ...wrongPassphrase,
      '--passphrase-file',
      desk.path('passphrase.txt'),
    ]);
    runs.push([
      ...desk.options(good.endpoint).slice(0, 6),
      '--pfx',
      desk.path('key.p8'),
      '--passphrase-file',
      desk.path('passphrase.txt'),
    ]);
    const ends = await Promise.all(
      runs.map((options, i) => {
        const form = i % 2 === 0 ? ['--json'] : [];
        return carillon(['send', path, ...options, '--give-up-after', '1', '--log-level', 'trace', ...form]);
      }),
    );
    for (const { stdout, stderr } of ends) {
      expect(`${stdout}${stderr}`.length).toBeGreaterThan(50);
      for (const canary of canaries) expect(`${stdout}${stderr}`.toLowerCase()).not.toContain(canary.toLowerCase());
    }
  }, 60_000);
});
