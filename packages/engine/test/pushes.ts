/** Real pushes without an engine around them, for the tests of what holds them: prepared jobs in an arena, a head, a sink. */
import { isFault, parsePushType, parseTopic } from '@carillon/apns';
import type { Priority, Topic } from '@carillon/apns';
import { BatchBuilder, recordStride } from '@carillon/payload';
import type { JobObject } from '@carillon/payload';
import type { Clock, Timer } from '@carillon/pool';
import type { App } from '../src/app.ts';
import { Arena } from '../src/arena.ts';
import { FirstReplies } from '../src/environment-hint.ts';
import { Head } from '../src/head.ts';
import { Lane } from '../src/lane.ts';
import type { Outcome } from '../src/outcome.ts';
import { PushTable } from '../src/push.ts';
import type { Push, Sink } from '../src/push.ts';
import { Source } from '../src/source.ts';

/** Keeps the outcomes it is given. */
export class Kept implements Sink {
  isCancelled = false;
  readonly lanes = null;
  readonly outcomes: Outcome[] = [];

  settled(_push: Push, outcome: Outcome): void {
    this.outcomes.push(outcome);
  }
}

export function topic(text: string): Topic {
  const parsed = parseTopic(text);
  if (isFault(parsed)) throw new Error(parsed.message);
  return parsed;
}

export function headOf(priority: Priority = 10, bundleId = 'com.example.app', name = 'news'): Head {
  const pushType = parsePushType('alert');
  if (isFault(pushType)) throw new Error(pushType.message);
  const app = {
    name,
    topic: topic(bundleId),
    authority: 'gateway.example',
    environment: null,
    lane: new Lane(name, 1, null),
    probationLane: new Lane(name, 1, null),
    source: new Source('app', name),
    firstReplies: new FirstReplies(),
    twins: [],
    isSandboxOfTwin: false,
    outlet: null,
  } as unknown as App; // no outlet: nothing is sent
  return new Head(0, app, topic(bundleId), pushType, priority);
}

export function arenaOf(jobs: readonly JobObject[], onEmpty: (arena: Arena) => void = () => undefined): Arena {
  const builder = new BatchBuilder();
  for (const [line, job] of jobs.entries()) {
    if (!builder.addObject(job, line + 1)) throw new Error(JSON.stringify(builder.takeRejections()));
  }
  const { bytes, index, warnings } = builder.take();
  return new Arena(bytes, index, warnings, onEmpty);
}

const token = '5ca1ab1e'.repeat(8);
const table = new PushTable();

/** One push for each change; they share an arena and a sink. */
export function pushesOf(changes: readonly Partial<Push>[], head: Head = headOf(), sink: Sink = new Kept()): Push[] {
  const arena = arenaOf(changes.map((_, number) => ({ id: `job-${number}`, token, payload: { aps: {} } })));
  return changes.map((change, number) => {
    arena.pushes++;
    const push = table.take(arena, number * recordStride, head, sink, 0, Infinity);
    return Object.assign(push, change);
  });
}

export function countOf(count: number, head?: Head): Push[] {
  return pushesOf(
    Array.from({ length: count }, () => ({})),
    head,
  );
}

/** A clock that moves when told; its timers fire then, in order. */
export class HandClock implements Clock {
  #now = 1000;
  #timers: { at: number; fire: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  epochMs(): number {
    return 1_790_000_000_000 + this.#now;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const timer = { at: this.#now + delayMs, fire };
    this.#timers.push(timer);
    return { cancel: () => (this.#timers = this.#timers.filter((one) => one !== timer)) };
  }

  endOfTurn(fire: () => void): void {
    setImmediate(fire);
  }

  advance(byMs: number): void {
    const end = this.#now + byMs;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((one) => one !== due);
      this.#now = Math.max(this.#now, due.at);
      due.fire();
    }
    this.#now = end;
  }
}
