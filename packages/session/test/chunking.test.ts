// However a transport cuts what the peer wrote, the session tells the same.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ScriptedPeer } from './scripted-peer.ts';
import type { Told, WrittenFrame } from './scripted-peer.ts';

/** Streams 1, 3 and 5 are open; 7 is idle, 2 the server's. */
const someId = fc.constantFrom(1, 1, 3, 3, 5, 5, 7, 2, 0);
const status = fc.constantFrom(200, 200, 400, 410, 503, 103);

type Act = (peer: ScriptedPeer) => void;
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom(1, 3, 5), status, fc.string()).map(
      ([id, code, body]) =>
        (peer: ScriptedPeer) =>
          peer.reply(id, code, body),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(someId, status, fc.boolean()).map(
      ([id, code, isEnd]) =>
        (peer: ScriptedPeer) =>
          peer.headers(id, { ':status': code, 'x-more': 'y'.repeat(code) }, { isEnd }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(someId, fc.string({ maxLength: 300 }), fc.boolean()).map(
      ([id, body, isEnd]) =>
        (peer: ScriptedPeer) =>
          peer.data(id, body, { isEnd }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(1, 3, 5), fc.integer({ min: 1, max: 5 }), fc.boolean())
      .map(([id, size, isEnd]) => (peer: ScriptedPeer) => {
        const block = peer.block({ ':status': 400, 'apns-id': 'in-parts' });
        peer.headersInParts(id, [block.subarray(0, size), block.subarray(size, size * 2), block.subarray(size * 2)], {
          isEnd,
        });
      }),
  },
  fc.tuple(someId, fc.nat({ max: 13 })).map(
    ([id, code]) =>
      (peer: ScriptedPeer) =>
        peer.rstStream(id, code),
  ),
  fc.tuple(someId, fc.integer({ min: 1, max: 100_000 })).map(
    ([id, increment]) =>
      (peer: ScriptedPeer) =>
        peer.windowUpdate(id, increment),
  ),
  fc.tuple(fc.integer({ min: 0, max: 7 }), fc.nat({ max: 70_000 })).map(
    ([id, value]) =>
      (peer: ScriptedPeer) =>
        peer.settings([[id, value]]),
  ),
  fc
    .string({ minLength: 8, maxLength: 8, unit: 'grapheme-ascii' })
    .map((payload) => (peer: ScriptedPeer) => peer.ping(payload)),
  fc.tuple(fc.nat({ max: 7 }), fc.string()).map(
    ([id, debug]) =>
      (peer: ScriptedPeer) =>
        peer.goAway(id, 0, debug),
  ),
  fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 255 }), someId, fc.uint8Array({ maxLength: 40 })).map(
    ([type, flags, id, payload]) =>
      (peer: ScriptedPeer) =>
        peer.raw(type, flags, id, Buffer.from(payload)),
  ),
);

function wroteBy(acts: readonly Act[]): Buffer {
  const writer = new ScriptedPeer();
  const written: Buffer[] = [];
  writer.send = (bytes) => {
    written.push(Buffer.from(bytes));
  };
  for (const each of acts) each(writer);
  return Buffer.concat(written);
}

function toldOf(bytes: Buffer, cuts: readonly number[]): { told: Told[]; frames: WrittenFrame[] } {
  // Bodies of 20 octets and windows of 10: some of them wait.
  const peer = ScriptedPeer.connected({}, [[4, 10]]);
  for (let count = 0; count < 3; count += 1) peer.open('0123456789abcdefghij');
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    peer.send(bytes.subarray(from, cut));
    from = cut;
  }
  return { told: peer.takeTold(), frames: peer.takeFrames() };
}

describe('Session, given the same octets in other chunks', () => {
  it('tells and writes the same', () => {
    fc.assert(
      fc.property(
        fc.array(act, { maxLength: 12 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
        (acts, at) => {
          const bytes = wroteBy(acts);
          const cuts = at.map((share) => Math.floor(share * bytes.length)).sort((a, b) => a - b);
          const whole = toldOf(bytes, []);
          expect(toldOf(bytes, cuts)).toEqual(whole);
          expect(
            toldOf(
              bytes,
              Array.from({ length: bytes.length }, (_, index) => index),
            ),
          ).toEqual(whole);
          expect(JSON.stringify(whole.told)).not.toContain('bug:');
        },
      ),
      { numRuns: 150 },
    );
  });
});
