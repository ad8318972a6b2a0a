// One life of a session: its owner acts, its peer sends, time passes, all as the bytes of a case say; and everything a
// session promises is checked on the way (README of @carillon/session, design.md §6).
import { HeaderTemplate, Session } from '../../packages/session/src/index.ts';
import type { Outbox, Reply, SessionClosure, SessionOptions, StreamFailure } from '../../packages/session/src/index.ts';
import type { Choices } from './choices.ts';
import { require } from './fuzz-target.ts';
import { SessionAudit, tokenBytes } from './session-audit.ts';

/** First octet of a step: which, in the low four bits; the others are its own. */
export const Act = {
  receive: 0,
  open: 7,
  tick: 9,
  wake: 10,
  cancel: 11,
  take: 12,
  ping: 13,
  end: 14,
  ask: 15,
} as const;
/** Bits of the control. */
export const SessionControl = {
  probing: 1,
  reentrant: 2,
  tight: 4,
  oldIds: 8,
  smallTable: 16,
  untilTheEnd: 32,
} as const;

const failureKinds: ReadonlySet<string> = new Set([
  'refused',
  'goaway',
  'reset',
  'malformed',
  'timeout',
  'connection-lost',
  'cancelled',
]);
/** What values, tokens and bodies are cut out of; ASCII where a token begins. */
const source: Buffer = Buffer.from(Array.from({ length: 40_000 }, (_, at) => 0x30 + ((at * 7) % 64)));
const streamsMaxima = [1, 4, 16, 64];
const bodyBytesTight = 40;
/** Limits so low that an ordinary case runs into them. */
const tightOptions: Omit<SessionOptions, 'outbox'> = {
  bodyBytesMax: bodyBytesTight,
  bodyBytesCancel: 100,
  windowBytes: 65_535,
  headerListBytesMax: 300,
  floods: {
    settingsEntriesMax: 2,
    continuationsMax: 1,
    fieldBlockBytesMax: 200,
    acksMax: 5,
    rates: { smallData: { count: 4, windowMs: 100, perStream: 1 }, pings: { count: 2, windowMs: 100, perStream: 0 } },
  },
};
const stepsMax = 200;
/** Open → owner told. */
const Tag = { open: 1, over: 2 } as const;
const outboxBytesMax = 8 * 2 ** 20;
const wakesMax = 2_000;

export function streamsMaxOf(control: number): number {
  return streamsMaxima[(control >>> 8) & 3];
}

export interface SessionTally {
  opened: number;
  replies: number;
  failures: number;
  frames: number;
  closures: Record<string, number>;
}

export class SessionRun {
  readonly #choices: Choices;
  readonly #control: number;
  readonly #tally: SessionTally;
  readonly #outbox: AuditedOutbox;
  readonly #audit: SessionAudit = new SessionAudit(source);
  readonly #session: Session;
  readonly #template: HeaderTemplate;
  readonly #streamsMax: number;
  readonly #bodyBytesMax: number;
  /** By tag. */
  readonly #tags: number[] = [];
  readonly #over: number[] = [];
  readonly #spans = new Int32Array(2);
  #open = 0;
  #now = 1_000;
  #lastId = 0;
  #isClosed = false;
  #hasTransportEnded = false;
  #hasLostStreams = false;
  #events = 0;

  constructor(choices: Choices, control: number, outbox: AuditedOutbox, tally: SessionTally) {
    this.#choices = choices;
    this.#control = control;
    this.#tally = tally;
    this.#outbox = outbox;
    outbox.begin();
    this.#streamsMax = streamsMaxOf(control);
    const isTight = (control & SessionControl.tight) !== 0;
    this.#bodyBytesMax = isTight ? bodyBytesTight : 4_096;
    const options: SessionOptions = {
      outbox,
      isProbing: (control & SessionControl.probing) !== 0,
      streamsMax: this.#streamsMax,
      ...(isTight ? tightOptions : {}),
      ...((control & SessionControl.oldIds) === 0 ? {} : { streamIdMax: 9 }),
      ...((control & SessionControl.smallTable) === 0 ? {} : { headerTableBytesMax: 64 }),
    };
    this.#session = new Session(options, {
      onReply: (tag, reply) => this.#onReply(tag, reply),
      onFailure: (tag, failure) => this.#onFailure(tag, failure),
      onSettings: () => this.#onEvent(),
      onGoAway: (goAway) => {
        require(goAway.text.length <= 256 * 6, 'a long text of a GOAWAY is kept');
        this.#onEvent();
      },
      onPong: (rttMs) => {
        require(rttMs >= 0, 'an answer before its PING');
        this.#onEvent();
      },
      onClosed: (closure) => this.#onClosed(closure),
    });
    this.#template = new HeaderTemplate(this.#session.encoder, [
      { name: ':method', value: 'POST' },
      { name: ':scheme', value: 'https' },
      { name: ':path', prefix: '/3/device/', slot: 0 },
      { name: 'apns-topic', value: 'com.example.app' },
    ]);
  }

  /** Returns how often the session was given something. */
  run(bytes: Buffer): number {
    this.#session.start(this.#now);
    this.#look();
    let steps = 1;
    while (!this.#choices.isSpent && steps < stepsMax) {
      this.#step(bytes);
      this.#look();
      steps += 1;
    }
    if ((this.#control & SessionControl.untilTheEnd) !== 0) this.#waitForTheEnd();
    this.#endTransport('the end of the case');
    this.#look();
    this.#afterTheEnd(bytes);
    this.#tally.opened += this.#tags.length;
    this.#tally.frames += this.#audit.frames;
    return steps;
  }

  #step(bytes: Buffer): void {
    const session = this.#session;
    const choices = this.#choices;
    const first = choices.next8();
    const more = first >>> 4;
    switch (first & 0x0f) {
      case Act.open:
      case Act.open + 1: {
        const bodyBytes = choices.next16() % (more === 15 ? 20_000 : 2_000);
        for (let count = 1 + (more & 7); count > 0; count--) this.#openOne(bodyBytes);
        return;
      }
      case Act.tick:
        this.#now += choices.next16() >>> more;
        return session.tick(this.#now);
      case Act.wake: {
        const wakeAt = session.wakeAt();
        if (wakeAt !== Infinity) this.#now = Math.max(this.#now, wakeAt);
        return session.tick(this.#now);
      }
      case Act.cancel:
        return session.cancel(2 * more + 1, this.#now);
      case Act.take:
        return this.#outbox.take();
      case Act.ping:
        return session.ping(this.#now);
      case Act.end:
        return this.#end(more);
      case Act.ask:
        require(Number.isSafeInteger(session.slots(choices.next16())), 'slots is no whole number');
        require(!Number.isNaN(session.wakeAt()), 'wakeAt is no number');
        return;
      default: {
        const length = choices.take(choices.next16());
        const chunk = bytes.subarray(choices.at - length, choices.at);
        if (!this.#isClosed) this.#audit.sent(chunk);
        this.#now += more;
        return session.receive(chunk, this.#now);
      }
    }
  }

  #end(how: number): void {
    if (how === 0) {
      const open = this.#open;
      this.#session.drain(this.#now);
      require(open === 0 || this.#open === open, 'drain did not wait for open streams');
    } else if (how === 1) this.#session.close(this.#now, 0);
    else if (how === 2) this.#endTransport('the socket ended');
    else this.#session.probeSucceeded();
  }

  #endTransport(message: string): void {
    this.#hasTransportEnded = true;
    this.#session.transportClosed(this.#now, message);
  }

  #openOne(bodyBytes: number): void {
    const session = this.#session;
    const tag = this.#tags.length;
    const tokenAt = (tag * 16) % 1_024;
    const bodyAt = 2_000 + (tag % 64);
    this.#spans[0] = tokenAt;
    this.#spans[1] = tokenAt + tokenBytes;
    const slots = session.slots(bodyBytes);
    // The row is known before the call: a handler may be called within.
    this.#tags.push(Tag.open);
    this.#open += 1;
    const id = session.open(this.#template, source, this.#spans, 0, bodyAt, bodyAt + bodyBytes, tag, this.#now);
    require(id > 0 === slots > 0, `slots said ${slots}, open said ${id}`);
    if (id === 0) {
      this.#tags.pop();
      this.#open -= 1;
      return;
    }
    require(!this.#isClosed, 'a stream was opened after the end');
    require(id % 2 === 1 && id > this.#lastId, `stream ${id} after ${this.#lastId}`);
    this.#lastId = id;
    this.#audit.opened(id, { tag, tokenAt, bodyAt, bodyEnd: bodyAt + bodyBytes });
    require(session.openStreams <=
      Math.min(this.#streamsMax, session.peer.streamsMax), 'more streams than are allowed');
    require(session.state !== 'probing' || session.openStreams === 1, 'more than one stream while probing');
  }

  /** After each step: everything written is audited, everything counted agrees. */
  #look(): void {
    const session = this.#session;
    this.#outbox.readTo(this.#audit);
    for (const tag of this.#over) this.#audit.over(tag);
    this.#over.length = 0;
    require(session.openStreams ===
      this.#open, `${session.openStreams} streams are open, ${this.#open} were not ended`);
    require(session.connectionWindow >= 0, 'the window of the connection is below zero');
    require((session.state === 'closed') ===
      this.#isClosed, 'closed without an event, or an event without being closed');
    if (this.#isClosed || this.#audit.unacknowledged > 0) return;
    require(session.peer.initialWindowBytes === this.#audit.initialWindowBytes, 'another initial window than was set');
    require(session.peer.streamsMax === this.#audit.streamsMax, 'another limit of streams than was set');
  }

  /** Whoever only ticks when asked to sees every stream end. */
  #waitForTheEnd(): void {
    for (let wakes = 0; this.#open > 0; wakes++) {
      const wakeAt = this.#session.wakeAt();
      require(wakes < wakesMax && wakeAt !== Infinity, 'a stream stays open for ever');
      this.#now = Math.max(this.#now, wakeAt);
      this.#session.tick(this.#now);
      this.#outbox.take();
      this.#look();
    }
  }

  #afterTheEnd(bytes: Buffer): void {
    const session = this.#session;
    require(this.#isClosed && this.#open === 0, 'not closed after the end of the transport');
    this.#audit.end();
    const { length } = this.#outbox;
    const events = this.#events;
    session.receive(bytes, this.#now);
    session.tick(this.#now + 100_000);
    session.ping(this.#now);
    session.cancel(1, this.#now);
    session.drain(this.#now);
    session.close(this.#now);
    session.transportClosed(this.#now, 'again');
    session.probeSucceeded();
    this.#openOne(5);
    require(session.wakeAt() === Infinity, 'a closed session wants to wake up');
    require(this.#outbox.length === length, 'something was written after the end');
    require(this.#events === events, 'an event after the end');
  }

  #onReply(tag: number, reply: Reply): void {
    this.#endTag(tag);
    require(reply.status >= 200 && reply.status <= 999, `a reply with status ${reply.status}`);
    require(reply.bodyLength <= Math.min(this.#bodyBytesMax, reply.body.length), 'more of a body than is kept');
    require(reply.latencyMs >= 0, 'a reply before its request');
    reply.header('apns-id');
    reply.bodyText();
    this.#tally.replies += 1;
    this.#act(tag);
  }

  #onFailure(tag: number, failure: StreamFailure): void {
    this.#endTag(tag);
    require(failureKinds.has(failure.kind), `a failure of kind ${failure.kind}`);
    const isProven = failure.kind === 'refused' || failure.kind === 'goaway';
    require((failure.processed === 'no') === isProven, `${failure.kind} with processed ${failure.processed}`);
    requireNoBug(failure.message);
    if (failure.kind === 'connection-lost') this.#hasLostStreams = true;
    this.#tally.failures += 1;
    this.#act(tag);
  }

  #endTag(tag: number): void {
    this.#onEvent();
    require(this.#tags[tag] === Tag.open, `stream ${tag} ended twice, or was never opened`);
    this.#tags[tag] = Tag.over;
    this.#over.push(tag);
    this.#open -= 1;
  }

  #onClosed(closure: SessionClosure): void {
    this.#onEvent();
    require(this.#open === 0, 'closed with open streams');
    requireNoBug(closure.message);
    const isGraceful = closure.kind === 'goaway' && !this.#hasTransportEnded;
    require(!isGraceful || !this.#hasLostStreams, 'GOAWAY did not wait for open streams');
    this.#isClosed = true;
    this.#tally.closures[closure.kind] = (this.#tally.closures[closure.kind] ?? 0) + 1;
  }

  #onEvent(): void {
    require(!this.#isClosed, 'an event after the end');
    this.#events += 1;
  }

  /** From inside an event: what the README allows. */
  #act(tag: number): void {
    if ((this.#control & SessionControl.reentrant) === 0) return;
    switch (((this.#control >>> 12) + tag * 5) & 15) {
      case 0:
      case 1:
      case 2:
        // Not for ever: a gateway that refuses everything would keep the owner opening.
        if (this.#tags.length < stepsMax * 2) this.#openOne(10 + (tag % 64));
        return;
      case 3:
        return this.#session.cancel(2 * (tag + 1) + 1, this.#now);
      case 4:
        return this.#session.drain(this.#now);
      case 5:
        return this.#session.close(this.#now);
      case 6:
        return this.#session.ping(this.#now);
      case 7:
        return this.#session.probeSucceeded();
      default:
        require(this.#session.slots(10) >= 0, 'slots below zero');
    }
  }
}

function requireNoBug(message: string): void {
  require(!message.includes('bug:'), message);
}

/** One buffer for all runs; what was written is read once, whether or not it was taken. */
export class AuditedOutbox implements Outbox {
  bytes: Buffer = Buffer.alloc(1 << 16);
  length = 0;
  #read = 0;

  begin(): void {
    this.length = 0;
    this.#read = 0;
  }

  reserve(size: number): void {
    if (this.bytes.length - this.length >= size) return;
    require(this.length + size <= outboxBytesMax, 'the outbox grows without end');
    const grown = Buffer.alloc((this.length + size) * 2);
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }

  readTo(audit: SessionAudit): void {
    if (this.length === this.#read) return;
    audit.written(this.bytes.subarray(this.#read, this.length));
    this.#read = this.length;
  }

  take(): void {
    this.length = 0;
    this.#read = 0;
  }
}
