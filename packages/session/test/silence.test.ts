// Keep-alive and deadlines: when a peer is asked for a sign of life, and when it is given up (design.md `pings-sparing`;
// reliability.md T2, T3, P1, P2, W2).
import { describe, expect, it } from 'vitest';
import { ErrorCode, ScriptedPeer } from './scripted-peer.ts';
import type { WrittenFrame } from './scripted-peer.ts';

const pingsIn = (frames: readonly WrittenFrame[]): string[] =>
  frames.flatMap((frame) => (frame.type === 'ping' && !frame.isAck ? [frame.payload] : []));

describe('Session with an idle peer', () => {
  it('T2: sends a PING after a minute of silence, and gives up ten seconds later', () => {
    const peer = ScriptedPeer.connected();
    peer.pass(59_999);
    peer.expectNothing();
    peer.pass(1);
    peer.expectFrames({ type: 'ping', isAck: false });
    peer.pass(9_999);
    peer.expectNothing();
    peer.pass(1);
    peer.expectTold({ event: 'closed', kind: 'ping-timeout' });
  });

  it('P1: measures the round trip when the answer comes, however late', () => {
    const peer = ScriptedPeer.connected();
    peer.pass(60_000);
    const [payload] = pingsIn(peer.takeFrames());
    peer.pass(9_000);
    peer.pong(payload);
    peer.expectTold({ event: 'pong', rttMs: 9_000 });
    expect(peer.session.rttMs).toBe(9_000);
    peer.pass(59_999);
    peer.expectFrames();
  });

  it('P1: ignores an answer with another payload as such, and takes it for a sign of life', () => {
    const peer = ScriptedPeer.connected();
    peer.pass(60_000);
    const [payload] = pingsIn(peer.takeFrames());
    peer.pong('whatever');
    peer.expectTold();
    expect(peer.session.counters.strayAcks).toBe(1);
    peer.pass(10_000);
    expect(peer.session.state).toBe('open');
    // The right one counts once.
    peer.pong(payload);
    peer.pong(payload);
    peer.expectTold({ event: 'pong' });
  });

  it('P2: sends one PING a silence, however often the owner asks and ticks', () => {
    const peer = ScriptedPeer.connected();
    for (let count = 0; count < 100; count += 1) {
      peer.session.ping(peer.now);
      peer.session.tick(peer.now);
    }
    expect(pingsIn(peer.takeFrames())).toHaveLength(1);
    peer.pass(9_000);
    peer.session.ping(peer.now);
    expect(pingsIn(peer.takeFrames())).toHaveLength(0);
  });

  it('P2: sends about one PING a minute to a peer that answers', () => {
    const peer = ScriptedPeer.connected();
    let pings = 0;
    for (let second = 0; second < 3_600; second += 1) {
      peer.pass(1_000);
      for (const payload of pingsIn(peer.takeFrames())) {
        pings += 1;
        peer.pong(payload);
      }
    }
    expect(pings).toBeGreaterThanOrEqual(58);
    expect(pings).toBeLessThanOrEqual(60);
  });

  it('sends a PING alongside the first use after 15 s, and none when it was used lately', () => {
    const peer = ScriptedPeer.connected();
    peer.pass(14_999);
    peer.open();
    expect(peer.takeFrames().map(({ type }) => type)).toEqual(['headers', 'data']);
    peer.reply(1);
    peer.pass(15_000);
    peer.open();
    expect(peer.takeFrames().map(({ type }) => type)).toEqual(['ping', 'headers', 'data']);
    // Only the first use: the second request at once needs no second PING.
    peer.open();
    expect(peer.takeFrames().map(({ type }) => type)).toEqual(['headers', 'data']);
  });
});

describe('Session with streams open and a silent peer', () => {
  it('T3: sends a PING after 2.5 s, and fails everything 2.5 s later', () => {
    const peer = ScriptedPeer.connected();
    peer.openMany(500, 'x');
    peer.takeFrames();
    peer.pass(2_499);
    peer.expectNothing();
    peer.pass(1);
    peer.expectFrames({ type: 'ping' });
    peer.pass(2_499);
    peer.expectNothing();
    peer.pass(1);
    const told = peer.takeTold();
    expect(told).toHaveLength(501);
    expect(told[0]).toMatchObject({
      event: 'failure',
      tag: 101,
      kind: 'connection-lost',
      processed: 'unknown',
      initiator: 'local',
    });
    expect(told.at(-1)).toMatchObject({ event: 'closed', kind: 'ping-timeout' });
  });

  it('T3: gives up after 5 s too when the first use came after a long idle time', () => {
    const peer = ScriptedPeer.connected();
    peer.pass(30_000);
    peer.open();
    peer.pass(4_999);
    expect([peer.session.state, peer.session.counters.pingsSent]).toEqual(['open', 1]);
    peer.pass(1);
    expect(peer.takeTold().at(-1)).toMatchObject({ event: 'closed', kind: 'ping-timeout' });
  });

  it('takes any octet for a sign of life', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    for (let count = 0; count < 7; count += 1) {
      peer.pass(2_400);
      peer.windowUpdate(0, 1);
    }
    expect([peer.session.state, peer.session.counters.pingsSent]).toEqual(['open', 0]);
  });

  it('W2: does not count the time in which our own event loop was starved', () => {
    for (const stallMs of [2_000, 10_000, 60_000]) {
      const peer = ScriptedPeer.connected();
      peer.open();
      peer.takeFrames();
      peer.pass(2_500);
      const [payload] = pingsIn(peer.takeFrames());
      peer.pass(1_000);
      peer.stall(1_500 + 501 + stallMs);
      expect([stallMs, peer.session.state, peer.session.counters.lateTicks]).toEqual([stallMs, 'open', 1]);
      // The socket is read before the next timer: the answer was there all the time.
      peer.pong(payload);
      peer.reply(1);
      peer.pass(400);
      expect(peer.takeTold()).toMatchObject([{ event: 'pong' }, { event: 'reply' }]);
      expect(peer.session.state).toBe('open');
    }
  });

  it('W2: judges at the tick after the late one, so that starvation cannot keep a dead peer alive', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    let ticks = 0;
    for (; peer.session.state !== 'closed'; ticks += 1) peer.stall(7_000);
    expect(ticks).toBe(4);
  });
});

describe('Session and the deadline of requests', () => {
  it('resets a stream that stays unanswered, oldest first, and frees its slot', () => {
    const peer = ScriptedPeer.connected({ requestTimeoutMs: 3_000, streamsMax: 2, busyPingMs: 60_000 });
    peer.open();
    peer.pass(1_000);
    peer.open();
    peer.takeFrames();
    expect(peer.session.wakeAt()).toBe(peer.now + 2_000);
    peer.pass(2_000);
    peer.expectTold({
      event: 'failure',
      tag: 101,
      kind: 'timeout',
      processed: 'unknown',
      initiator: 'local',
      errorCode: ErrorCode.cancel,
    });
    peer.expectFrames({ type: 'rst-stream', id: 1, code: ErrorCode.cancel });
    expect([peer.session.slots(1), peer.session.counters.timeouts]).toEqual([1, 1]);
    // The late reply changes nothing.
    peer.reply(1);
    peer.expectNothing();
    peer.reply(3);
    peer.expectTold({ event: 'reply', tag: 102 });
  });

  it('holds deadlines while the event loop was starved', () => {
    const peer = ScriptedPeer.connected({ requestTimeoutMs: 1_000 });
    peer.open();
    peer.stall(1_600);
    expect(peer.session.openStreams).toBe(1);
    peer.reply(1);
    peer.expectTold({ event: 'reply' });
  });

  it('sleeps for ever once it is closed', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    expect(peer.session.wakeAt()).toBe(peer.now + 2_500);
    peer.session.close(peer.now);
    expect(peer.session.wakeAt()).toBe(Infinity);
    peer.takeTold();
    peer.takeFrames();
    peer.session.tick(peer.now + 10 ** 9);
    peer.session.ping(peer.now);
    peer.expectNothing();
  });
});
