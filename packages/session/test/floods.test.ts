// A peer that sends too much of anything (reliability.md F1 to F9; apns-protocol.md H.6): the session closes with
// ENHANCE_YOUR_CALM, soon, and small.
import { describe, expect, it } from 'vitest';
import { ErrorCode, FrameFlag, FrameType, ScriptedPeer, SettingId, rawFrame } from './scripted-peer.ts';
import type { FloodName } from '@carillon/session';

const floodFrames = 100_000;

/** Gives a session the frame 10^5 times, or until it closes; in chunks as a socket would. */
function flood(
  peer: ScriptedPeer,
  frame: Buffer,
): { sent: number; ms: number; heapBytes: number; outboxBytes: number } {
  const perChunk = Math.max(1, Math.floor(65_536 / frame.length));
  const chunk = Buffer.concat(Array.from({ length: perChunk }, () => frame));
  const startedAt = performance.now();
  const heapBefore = process.memoryUsage().heapUsed;
  let sent = 0;
  let outboxBytes = 0;
  for (; sent < floodFrames && peer.session.state !== 'closed'; sent += perChunk) {
    peer.send(chunk);
    outboxBytes = Math.max(outboxBytes, peer.outbox.length);
  }
  return {
    sent,
    ms: performance.now() - startedAt,
    heapBytes: process.memoryUsage().heapUsed - heapBefore,
    outboxBytes,
  };
}

function withRequest(): ScriptedPeer {
  const peer = ScriptedPeer.connected();
  peer.openMany(2);
  peer.takeFrames();
  return peer;
}

/** Whose first request we reset: frames for it are ignored until they are too many. */
function withResetRequest(): ScriptedPeer {
  const peer = withRequest();
  peer.session.cancel(1, peer.now);
  peer.takeTold();
  peer.takeFrames();
  return peer;
}

/** The head of the first reply is there, its body is coming. */
function withHead(): ScriptedPeer {
  const peer = withRequest();
  peer.headers(1, { ':status': 400 });
  return peer;
}

const ping = rawFrame(FrameType.ping, 0, 0, Buffer.alloc(8));
const window = (id: number): Buffer => rawFrame(FrameType.windowUpdate, 0, id, Buffer.of(0, 0, 0, 1));

const floods: [id: string, name: FloodName, connect: () => ScriptedPeer, frame: Buffer][] = [
  ['F1: DATA dribbled out octet by octet', 'smallData', withHead, rawFrame(FrameType.data, 0, 1, Buffer.from('x'))],
  ['F1: windows dribbled out octet by octet', 'windowUpdates', withRequest, window(0)],
  ['F2: PING', 'pings', withRequest, ping],
  [
    'F3: PRIORITY, the resource loop',
    'priorityFrames',
    withRequest,
    rawFrame(FrameType.priority, 0, 1, Buffer.alloc(5)),
  ],
  [
    'F4: RST_STREAM on a closed stream',
    'strayResets',
    withResetRequest,
    rawFrame(FrameType.rstStream, 0, 1, Buffer.alloc(4)),
  ],
  [
    'F4: HEADERS on a stream that the peer has reset',
    'provokedResets',
    () => {
      const peer = withRequest();
      peer.rstStream(1, ErrorCode.cancel);
      peer.takeTold();
      return peer;
    },
    rawFrame(FrameType.headers, FrameFlag.endHeaders, 1, Buffer.of(0x88)),
  ],
  ['F5: SETTINGS', 'settingsFrames', withRequest, rawFrame(FrameType.settings, 0, 0)],
  ['F5: acknowledgements of SETTINGS', 'strayAcks', withRequest, rawFrame(FrameType.settings, FrameFlag.ack, 0)],
  [
    'F5: acknowledgements of PING',
    'strayAcks',
    withRequest,
    rawFrame(FrameType.ping, FrameFlag.ack, 0, Buffer.alloc(8, 7)),
  ],
  [
    'F6: field blocks for a stream that we reset',
    'strayFrames',
    withResetRequest,
    rawFrame(FrameType.headers, FrameFlag.endHeaders, 1, Buffer.of(0x88)),
  ],
  ['F7: window of the stream on and on', 'windowUpdates', withRequest, window(1)],
  ['F8: empty DATA', 'emptyData', withHead, rawFrame(FrameType.data, 0, 1)],
  ['unknown frames', 'unknownFrames', withRequest, rawFrame(0xfa, 0, 0, Buffer.alloc(20))],
  [
    'interim replies',
    'interimReplies',
    withRequest,
    rawFrame(FrameType.headers, FrameFlag.endHeaders, 1, Buffer.from('4803313033', 'hex')),
  ],
  ['GOAWAY', 'goAways', withRequest, rawFrame(FrameType.goAway, 0, 0, Buffer.from('7fffffff00000000', 'hex'))],
];

describe('Session under a flood', () => {
  it.each(floods)('%s: closes', (_id, name, connect, frame) => {
    const peer = connect();
    const { ms, heapBytes, outboxBytes } = flood(peer, frame);
    expect(peer.session.state).toBe('closed');
    expect(peer.takeTold().at(-1)).toMatchObject({
      event: 'closed',
      kind: 'flood',
      errorCode: ErrorCode.enhanceYourCalm,
      message: expect.stringContaining(name),
    });
    expect(peer.takeFrames().at(-1)).toEqual({ type: 'goaway', lastStreamId: 0, code: ErrorCode.enhanceYourCalm });
    expect(peer.session.counters[name]).toBeGreaterThan(1);
    // Generous, for a busy machine: the caps let pass some thousand frames at most.
    expect(ms).toBeLessThan(1_000);
    expect(heapBytes).toBeLessThan(16 * 1_048_576);
    expect(outboxBytes).toBeLessThan(65_536);
  });

  it('closes on too many entries in one SETTINGS frame', () => {
    const peer = withRequest();
    peer.settings(Array.from({ length: 33 }, () => [0xff, 1]));
    peer.expectConnectionError(ErrorCode.enhanceYourCalm, 'flood');
  });

  it('closes on acknowledgements that nobody takes, even where their rate is allowed', () => {
    const peer = ScriptedPeer.connected({
      floods: { rates: { pings: { count: 1_000_000, windowMs: 1_000, perStream: 0 } } },
    });
    for (let count = 0; count < 100; count += 1) peer.ping();
    expect(peer.session.state).toBe('open');
    peer.takeFrames();
    for (let count = 0; count < 101; count += 1) peer.ping();
    expect(peer.session.state).toBe('open');
    peer.ping();
    peer.expectConnectionError(ErrorCode.enhanceYourCalm, 'flood');
  });

  it('takes a limit that is lowered and restored for each of its requests, also while nobody takes what it acknowledges', () => {
    const peer = ScriptedPeer.connected();
    peer.openMany(500);
    peer.takeFrames();
    for (let reply = 0; reply < 500; reply += 1) {
      peer.settings([[SettingId.maxConcurrentStreams, 1]]);
      peer.settings([[SettingId.maxConcurrentStreams, 1_000]]);
    }
    expect(peer.session.state).toBe('open');
  });

  it('F9: closes on a CONTINUATION flood', () => {
    const peer = withRequest();
    peer.raw(FrameType.headers, 0, 1, Buffer.of(0x88));
    flood(peer, rawFrame(FrameType.continuation, 0, 1));
    peer.expectConnectionError(ErrorCode.enhanceYourCalm, 'flood');
    expect(peer.session.counters.continuations).toBe(5);
  });

  it('F9: closes on a field block of more than 32 KiB', () => {
    const peer = withRequest();
    peer.raw(FrameType.headers, 0, 1, Buffer.alloc(16_384, 0x88));
    peer.raw(FrameType.continuation, 0, 1, Buffer.alloc(16_384, 0x88));
    expect(peer.session.state).toBe('open');
    peer.raw(FrameType.continuation, FrameFlag.endHeaders, 1, Buffer.of(0x88));
    peer.expectConnectionError(ErrorCode.enhanceYourCalm, 'flood');
  });

  it('F9: resets the stream of an HPACK bomb, and goes on', () => {
    const peer = withRequest();
    // One entry of 4,000 octets, then 20,000 references to it: 80 MB when they are written out.
    const bomb = Buffer.concat([
      peer.block({ ':status': 200, 'x-bomb': 'y'.repeat(4_000) }),
      Buffer.alloc(20_000, 0xbe),
    ]);
    const startedAt = performance.now();
    peer.headersInParts(1, [bomb.subarray(0, 16_384), bomb.subarray(16_384)], { isEnd: true });
    expect(performance.now() - startedAt).toBeLessThan(100);
    peer.expectTold({ event: 'failure', tag: 101, kind: 'malformed' });
    peer.reply(3);
    peer.expectTold({ event: 'reply', tag: 102 });
  });

  it('is not provoked by a limit that falls with each rejection and rises with each success', () => {
    const peer = ScriptedPeer.connected();
    for (const id of peer.openMany(1_000, 'x')) {
      peer.settings([[SettingId.maxConcurrentStreams, 1]]);
      peer.settings([[SettingId.maxConcurrentStreams, 1_000]]);
      peer.reply(id, 400, '{"reason":"BadDeviceToken"}');
      peer.takeFrames();
    }
    expect([peer.session.state, peer.session.counters.replies]).toEqual(['open', 1_000]);
  });

  it('is not provoked by honest traffic: 5,000 requests in a second, each with two WINDOW_UPDATEs and a body in pieces', () => {
    const peer = ScriptedPeer.connected();
    for (let turn = 0; turn < 50; turn += 1) {
      const ids = peer.openMany(100);
      for (const id of ids) {
        peer.windowUpdate(0, 10);
        peer.windowUpdate(id, 10);
        peer.headers(id, { ':status': 400 });
        for (const piece of ['{"reason":', '"BadTopic"', '}']) peer.data(id, piece);
        peer.data(id, '', { isEnd: true });
      }
      peer.now += 20;
      peer.takeFrames();
    }
    expect([peer.session.state, peer.session.counters.replies]).toEqual(['open', 5_000]);
  });

  it('lets every cap be set', () => {
    const peer = ScriptedPeer.connected({
      floods: {
        settingsEntriesMax: 1,
        continuationsMax: 0,
        rates: { pings: { count: 1, windowMs: 1_000, perStream: 0 } },
      },
    });
    peer.ping();
    peer.now += 999;
    peer.ping();
    expect(peer.session.state).toBe('closed');
    const patient = ScriptedPeer.connected({
      floods: { rates: { pings: { count: 1, windowMs: 1_000, perStream: 0 } } },
    });
    patient.ping();
    patient.now += 1_000;
    patient.ping();
    expect(patient.session.state).toBe('open');
  });
});
