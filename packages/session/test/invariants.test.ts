// The invariants of design.md §6 that a session keeps (1, 2 and 7), hunted with random owners and random gateways. The
// gateway audits as a strict server would: limits, ids, states and both windows.
/* oxlint-disable vitest/no-standalone-expect -- the audit expects on behalf of the one test below. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ScriptedPeer, SettingId } from './scripted-peer.ts';

/** What a strict server knows of its client, and which streams may still be answered. */
class Audit {
  readonly open = new Map<number, number>();
  /** Whose head was sent, and the end was not. */
  readonly heads = new Set<number>();
  readonly #peer: ScriptedPeer;
  readonly #streams = new Map<number, { window: number; isEnded: boolean }>();
  #connectionWindow = 65_535;
  #initialWindow = 65_535;
  #lastId = 0;

  constructor(peer: ScriptedPeer) {
    this.#peer = peer;
  }

  /** One of the open streams, or null. */
  pick(index: number): number | null {
    const ids = [...this.open.values()];
    return ids[index % ids.length] ?? null;
  }

  windowGrew(id: number, increment: number): void {
    if (id === 0) this.#connectionWindow += increment;
    const stream = this.#streams.get(id);
    if (stream !== undefined) stream.window += increment;
  }

  initialWindow(value: number): void {
    for (const stream of this.#streams.values()) stream.window += value - this.#initialWindow;
    this.#initialWindow = value;
  }

  /** Reads what the client has written since the last time. */
  read(): void {
    for (const frame of this.#peer.takeFrames()) {
      if (frame.type === 'headers') {
        expect(frame.id % 2).toBe(1);
        expect(frame.id).toBeGreaterThan(this.#lastId);
        this.#lastId = frame.id;
        this.#streams.set(frame.id, { window: this.#initialWindow, isEnded: frame.isEnd });
      } else if (frame.type === 'data') {
        const stream = this.#streams.get(frame.id);
        expect(stream).toMatchObject({ isEnded: false });
        if (stream === undefined) return;
        stream.window -= frame.text.length;
        this.#connectionWindow -= frame.text.length;
        stream.isEnded = frame.isEnd;
        expect(Math.min(stream.window, this.#connectionWindow)).toBeGreaterThanOrEqual(0);
      } else if (frame.type === 'rst-stream') {
        this.#streams.set(frame.id, { window: 0, isEnded: true });
      } else {
        expect(frame.type).not.toBe('other');
      }
    }
  }
}

interface Step {
  readonly act:
    | 'open'
    | 'reply'
    | 'head'
    | 'rest'
    | 'reset'
    | 'limit'
    | 'window'
    | 'grow'
    | 'pass'
    | 'cancel'
    | 'goaway'
    | 'drain'
    | 'close'
    | 'probed';
  /** Which stream, how many, how much: each act reads them its own way. */
  readonly which: number;
  readonly amount: number;
}

const often = {
  open: 40,
  reply: 60,
  head: 20,
  rest: 20,
  reset: 5,
  limit: 10,
  window: 10,
  grow: 30,
  pass: 10,
  cancel: 5,
  goaway: 1,
  drain: 1,
  close: 1,
  probed: 10,
};
const acts = (Object.keys(often) as Step['act'][]).map((act) => ({ weight: often[act], arbitrary: fc.constant(act) }));
const step: fc.Arbitrary<Step> = fc.record({
  act: fc.oneof(...acts),
  which: fc.nat({ max: 40 }),
  amount: fc.nat({ max: 40_000 }),
});

function take({ act, which, amount }: Step, peer: ScriptedPeer, audit: Audit): void {
  const id = audit.pick(which);
  switch (act) {
    case 'open':
      for (let turn = 0; turn < which; turn += 1) openOne(peer, audit, amount % 6_000);
      return;
    case 'reply':
      // Not twice the head.
      if (id !== null && !audit.heads.has(id)) peer.reply(id, which % 3 === 0 ? 400 : 200, 'x'.repeat(amount % 50));
      return;
    case 'head':
      if (id === null || audit.heads.has(id)) return;
      audit.heads.add(id);
      return peer.headers(id, { ':status': which % 3 === 0 ? 400 : 200 });
    case 'rest':
      if (id !== null && audit.heads.has(id)) peer.data(id, 'x'.repeat(amount % 50), { isEnd: which % 2 === 0 });
      return;
    case 'reset':
      if (id !== null) peer.rstStream(id, amount % 9);
      return;
    case 'limit':
      // An honest gateway changes its mind ten times a second at most.
      peer.pass(100);
      return peer.settings([[SettingId.maxConcurrentStreams, which]]);
    case 'window': {
      const value = [0, 1, 100, 3_000, 65_535][which % 5] ?? 0;
      peer.pass(100);
      audit.read();
      audit.initialWindow(value);
      return peer.settings([[SettingId.initialWindowSize, value]]);
    }
    case 'grow':
      audit.windowGrew(which % 3 === 0 ? 0 : (id ?? 0), amount + 1);
      return peer.windowUpdate(which % 3 === 0 ? 0 : (id ?? 0), amount + 1);
    case 'pass':
      return peer.pass(amount % 1_000);
    case 'cancel':
      return peer.session.cancel(id ?? 0, peer.now);
    case 'goaway':
      return peer.goAway(amount % 2 === 0 ? 2 ** 31 - 1 : (id ?? 0));
    case 'drain':
      return peer.session.drain(peer.now);
    case 'close':
      return peer.session.close(peer.now);
    case 'probed':
      return peer.session.probeSucceeded();
  }
}

/** Invariant 2: never above the live limit; and `slots` tells the truth. */
function openOne(peer: ScriptedPeer, audit: Audit, size: number): void {
  const before = peer.session.openStreams;
  const slots = peer.session.slots(size);
  const tag = peer.session.counters.streamsOpened;
  const id = peer.open('b'.repeat(size), tag);
  expect(id > 0).toBe(slots > 0);
  if (id === 0) return;
  expect(before).toBeLessThan(peer.session.peer.streamsMax);
  audit.open.set(tag, id);
}

/** Returns how many streams were opened, and how many answered. */
function run(script: readonly Step[], isProbing: boolean): { opened: number; replies: number } {
  const ended: number[] = [];
  const end = (tag: number): void => {
    ended.push(tag);
    audit.open.delete(tag);
  };
  const peer: ScriptedPeer = ScriptedPeer.connected({
    isProbing,
    streamsMax: 32,
    requestTimeoutMs: 7_000,
    handlers: { onReply: end, onFailure: end },
  });
  const audit = new Audit(peer);
  for (const each of script) {
    take(each, peer, audit);
    audit.read();
  }
  peer.session.transportClosed(peer.now, 'the end');

  const { streamsOpened, replies } = peer.session.counters;
  expect(ended.sort((a, b) => a - b)).toEqual(Array.from({ length: streamsOpened }, (_, tag) => tag));
  const told = peer.takeTold();
  expect(told.filter(({ event }) => event === 'closed')).toHaveLength(1);
  expect(told.at(-1)?.event).toBe('closed');
  expect(peer.session.openStreams).toBe(0);
  expect(JSON.stringify(told)).not.toContain('bug:');
  // The gateway is honest: nothing it does may look like a violation.
  expect(
    told.some((each) => each.event === 'closed' && (each.kind === 'protocol-error' || each.kind === 'flood')),
  ).toBe(false);
  return { opened: streamsOpened, replies };
}

describe('Session with a random owner and a random gateway', () => {
  it('ends each stream exactly once, and never oversteps what the gateway allows', () => {
    let opened = 0;
    let replies = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 40, maxLength: 200 }), fc.boolean(), (script, isProbing) => {
        const sums = run(script, isProbing);
        opened += sums.opened;
        replies += sums.replies;
      }),
      { numRuns: 200 },
    );
    console.log(`invariants: 200 runs, ${opened} streams opened, ${replies} answered`);
    expect(replies).toBeGreaterThan(500);
  });
});
