import { ApnsIdGenerator } from '@carillon/apns';
import { describe, expect, it } from 'vitest';
import type { StreamFailure } from '@carillon/pool';
import { HandClock, headOf, Kept, pushesOf } from '../test/pushes.ts';
import type { App } from './app.ts';
import { settingsOf } from './options.ts';
import { Pipeline } from './pipeline.ts';
import type { Push } from './push.ts';
import { settleFailure, settleRetry } from './settle.ts';

const refused: StreamFailure = {
  kind: 'refused',
  processed: 'no',
  errorCode: 7,
  initiator: 'remote',
  message: 'REFUSED_STREAM',
};

/** A pipeline, and one push that is on the wire. `draw` is what each die shows. */
function open(draw: number): { pipeline: Pipeline; clock: HandClock; push: Push; sink: Kept } {
  const clock = new HandClock();
  const pipeline = new Pipeline(
    settingsOf({ apps: {} }),
    clock,
    { next: () => draw },
    new ApnsIdGenerator(),
    () => undefined,
  );
  const head = headOf();
  head.app.outlet = { wake: () => undefined } as unknown as App['outlet']; // all that settling asks of an outlet
  const sink = new Kept();
  const [push] = pushesOf([{ attempts: 1 }], head, sink) as [Push];
  push.sink = sink;
  pipeline.enter(1);
  return { pipeline, clock, push, sink };
}

/** Refused once more; how long it has to wait then. */
function waitAfterRefusal(pipeline: Pipeline, push: Push, now: number): number {
  push.attempts = 1;
  settleFailure(push, refused, now, pipeline);
  if (push.head.app.lane.take() === push) return 0;
  return (pipeline.held.takeDue(Infinity)?.dueAt ?? NaN) - now;
}

describe('A push whose stream is refused', () => {
  // It went round without a pause: twenty times within some milliseconds.
  it('goes back at once three times, then waits longer each time, up to 5 s, and is given up after twenty', () => {
    const { pipeline, clock, push, sink } = open(1);
    const waits = Array.from({ length: 20 }, () => waitAfterRefusal(pipeline, push, clock.now()));
    expect(waits.slice(0, 11)).toEqual([0, 0, 0, 40, 80, 160, 320, 640, 1280, 2560, 5000]);
    expect(new Set(waits.slice(11))).toEqual(new Set([5000]));
    expect([pipeline.counters.resends, sink.outcomes]).toEqual([20, []]);
    settleFailure(push, refused, clock.now(), pipeline);
    expect(sink.outcomes).toEqual([
      { kind: 'abandoned', because: 'attempts', processed: 'no', last: 'REFUSED_STREAM' },
    ]);
  });

  it('waits a part of that by chance, so that many refused together come back spread', () => {
    const { pipeline, clock, push } = open(0.25);
    const waits = Array.from({ length: 6 }, () => waitAfterRefusal(pipeline, push, clock.now()));
    expect(waits).toEqual([0, 0, 0, 10, 20, 40]);
  });

  it('is no retry: neither the budget nor the attempts are charged', () => {
    const { pipeline, clock, push } = open(1);
    for (let time = 0; time < 5; time++) waitAfterRefusal(pipeline, push, clock.now());
    expect([push.attempts, pipeline.counters.delayed]).toEqual([0, 0]);
  });
});

describe('What the last attempt was answered', () => {
  it('is kept with its status, and forgotten when the next attempt has no answer', () => {
    const { pipeline, clock, push } = open(1);
    const verdict = {
      kind: 'retry',
      status: 503,
      reason: 'ServiceUnavailable',
      blame: 'gateway',
      processed: 'no',
    } as const;
    settleRetry(push, verdict, clock.now(), pipeline);
    expect([push.last, push.lastStatus]).toEqual(['ServiceUnavailable', 503]);
    settleFailure(push, refused, clock.now(), pipeline);
    expect([push.last, push.lastStatus]).toEqual(['REFUSED_STREAM', null]);
  });
});
