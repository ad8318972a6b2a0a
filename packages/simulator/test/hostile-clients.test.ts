// Clients that attack the simulator (reliability.md F10 and the client's half of H.6): each is thrown out in bounded
// time and work, and a good client on another connection is served all the while. Both of our own gateways.
import {
  clientPreface,
  encodeContinuation,
  encodeData,
  encodeHeaders,
  encodePing,
  encodeRstStream,
  encodeSettings,
  FrameFlag,
} from '@carillon/frames';
import { describe, expect, it } from 'vitest';

import { startSimulator } from '../src/index.ts';
import type { Simulator } from '../src/index.ts';
import { TestClient } from './test-client.ts';

/** POST / over https and "x: y" as a literal: a whole request in few octets. */
const block = Buffer.from([0x83, 0x87, 0x84, 0x00, 0x01, 0x78, 0x01, 0x79]);

function headersFrame(streamId: number, flags: number): Buffer {
  const frame = Buffer.alloc(9 + block.length);
  encodeHeaders(frame, 0, streamId, block, 0, block.length, flags);
  return frame;
}

function encoded(bytes: number, encode: (target: Buffer) => number): Buffer {
  const target = Buffer.alloc(bytes);
  return target.subarray(0, encode(target));
}

function repeat(count: number, make: (k: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, k) => make(k)));
}

const open = FrameFlag.endHeaders;

/** Octets after the greeting, and the error code of the GOAWAY that must follow. */
const attacks: readonly (readonly [name: string, code: number, bytes: () => Buffer])[] = [
  [
    'resets each stream as soon as it opens it (rapid reset)',
    0xb,
    () =>
      repeat(20_000, (k) =>
        Buffer.concat([
          headersFrame(2 * k + 1, open),
          encoded(13, (target) => encodeRstStream(target, 0, 2 * k + 1, 8)),
        ]),
      ),
  ],
  [
    'never ends a field block (CONTINUATION flood)',
    0xb,
    () =>
      Buffer.concat([
        headersFrame(1, 0),
        repeat(20_000, () => encoded(9, (target) => encodeContinuation(target, 0, 1, block, 0, 0, 0))),
      ]),
  ],
  [
    'floods with PING',
    0xb,
    () => repeat(20_000, () => encoded(17, (target) => encodePing(target, 0, false, Buffer.alloc(8), 0))),
  ],
  ['floods with SETTINGS', 0xb, () => repeat(20_000, () => encoded(9, (target) => encodeSettings(target, 0, [])))],
  [
    'floods with empty DATA',
    0xb,
    () =>
      Buffer.concat([
        headersFrame(1, open),
        repeat(20_000, () => encoded(9, (target) => encodeData(target, 0, 1, block, 0, 0, false))),
      ]),
  ],
  [
    'floods with frames of an unknown type',
    0xb,
    () => repeat(20_000, () => Buffer.from([0, 0, 0, 0xf7, 0, 0, 0, 0, 0])),
  ],
  ['sends a frame that is too long', 6, () => Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])],
  ['pushes', 1, () => Buffer.from([0, 0, 4, 5, 4, 0, 0, 0, 1, 0, 0, 0, 2])],
  [
    'puts PING into a field block',
    1,
    () => Buffer.concat([headersFrame(1, 0), Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0])]),
  ],
];

/** These are seen only by a gateway that keeps streams and decodes field blocks. */
const stateful: typeof attacks = [
  ['sends a broken field block', 9, () => Buffer.from([0, 0, 1, 1, 5, 0, 0, 0, 1, 0x80])],
  ['opens an even stream', 1, () => headersFrame(2, open)],
  ['resets an idle stream', 1, () => encoded(13, (target) => encodeRstStream(target, 0, 7, 8))],
];

describe.each([
  ['fast', attacks],
  ['strict', [...attacks, ...stateful]],
] as const)('the %s gateway', (profile, its) => {
  const start = (): Promise<Simulator> => startSimulator({ profile, http2: { streamsBeforeAuthentication: 1_000 } });

  it.each(its)('throws out a client that %s, and serves a good one meanwhile', async (_name, code, bytes) => {
    await using simulator = await start();
    const good = await TestClient.connect(simulator);
    const bad = await TestClient.connect(simulator);
    bad.write(bytes());
    const answers = Promise.all(Array.from({ length: 20 }, () => good.answer(good.push())));
    expect((await bad.until('goaway')).code).toBe(code);
    await bad.untilClosed();
    for (const { status } of await answers) expect(status).toBe('200');
    expect(Object.values(simulator.stats().connectionFaults)).toEqual([1]);
    good.close();
  });

  it('throws out a client whose preface is wrong', async () => {
    await using simulator = await start();
    const good = await TestClient.connect(simulator);
    const bad = await TestClient.connect(simulator, { greets: false });
    bad.write(Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'));
    expect((await bad.until('goaway')).code).toBe(1);
    await bad.untilClosed();
    expect((await good.answer(good.push())).status).toBe('200');
    good.close();
  });

  it('takes a preface and requests that come octet by octet', async () => {
    await using simulator = await start();
    const client = await TestClient.connect(simulator, { greets: false });
    const bytes = Buffer.concat([
      clientPreface,
      Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
      headersFrame(1, open | FrameFlag.endStream),
    ]);
    for (const octet of bytes) client.write(Buffer.from([octet]));
    const answer = await client.answer(1);
    expect(answer.status).toBe(profile === 'fast' ? '200' : '404');
    client.close();
  });
});

describe('the strict gateway with its windows held', () => {
  const body = (streamId: number, bytes: number): Buffer => {
    const target = Buffer.alloc(9 + bytes);
    encodeData(target, 0, streamId, Buffer.alloc(bytes), 0, bytes, false);
    return target;
  };

  it('throws out a client that overruns the connection window', async () => {
    await using simulator = await startSimulator({
      http2: { windowIncrement: 0, streamsBeforeAuthentication: 1_000 },
      faults: { faults: [{ when: { on: 'start' }, action: { kind: 'hold-windows' } }] },
    });
    const client = await TestClient.connect(simulator);
    client.write(repeat(4, (k) => Buffer.concat([headersFrame(2 * k + 1, open), body(2 * k + 1, 16_383)])));
    client.write(body(7, 3)); // 65,535 in all
    await client.until('settings-ack');
    client.write(body(7, 1));
    expect((await client.until('goaway')).code).toBe(3);
    await client.untilClosed();
  });

  it('resets a stream that overruns its own window', async () => {
    await using simulator = await startSimulator({
      http2: { initialWindowSize: 10_000 },
      faults: { faults: [{ when: { on: 'start' }, action: { kind: 'hold-windows' } }] },
    });
    const client = await TestClient.connect(simulator);
    await client.until('settings'); // acknowledged before what follows
    const stream = client.openStream([
      { name: ':method', value: 'POST' },
      { name: ':scheme', value: 'https' },
      { name: ':path', value: '/' },
    ]);
    client.sendBody(stream, Buffer.alloc(10_001), true);
    expect(await client.until('rst')).toEqual({ kind: 'rst', streamId: stream, code: 3 });
    expect((await client.answer(client.push())).status).toBe('200');
    client.close();
  });
});
