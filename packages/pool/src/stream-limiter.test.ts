import { describe, expect, it } from 'vitest';
import { fairness, ModelledGateway } from '../test/modelled-gateway.ts';
import { LatencyFloor } from './latency-floor.ts';
import { defaultLimiterPolicy, StreamLimiter } from './stream-limiter.ts';

const seeds = [1, 2, 3];

/** Round trips of `latencyMs` in which the whole limit is used. */
function rounds(limiter: StreamLimiter, from: number, count: number, latencyMs: number): number {
  let now = from;
  for (let left = count; left > 0; left--) {
    now += latencyMs;
    for (let answer = 0; answer < 20; answer++) limiter.answered(latencyMs, now);
    limiter.turn(now, limiter.streams, 20);
  }
  return now;
}

function open(streamsMax = 1000): StreamLimiter {
  return new StreamLimiter(defaultLimiterPolicy, streamsMax, new LatencyFloor(10_000), 0, 1);
}

describe('StreamLimiter', () => {
  describe('on a new connection', () => {
    it('starts at 100 and doubles each round trip, up to the most that is allowed', () => {
      const limiter = open();
      const seen = [limiter.streams];
      for (let round = 0; round < 5; round++) {
        rounds(limiter, round * 50, 1, 50);
        seen.push(limiter.streams);
      }
      expect(seen).toEqual([100, 200, 400, 800, 1000, 1000]);
      expect(limiter.isStarting).toBe(false);
    });

    it('never starts above what is allowed, and always leaves one stream', () => {
      expect(open(30).streams).toBe(30);
      expect(open(1).streams).toBe(1);
    });

    it('does not double for answers to streams of an earlier round', () => {
      const limiter = open();
      for (let part = 0; part < 10; part++) {
        const now = 50 + part;
        for (let answer = 0; answer < 10; answer++) limiter.answered(now, now);
        limiter.turn(now, 100 - 10 * part, 10);
      }
      expect(limiter.streams).toBe(200);
    });

    it('stops doubling in the midst of a round, when answers are half way to late', () => {
      const limiter = open();
      const now = rounds(limiter, 0, 2, 50);
      expect(limiter.streams).toBe(400);
      for (let answer = 0; answer < 8; answer++) limiter.answered(80, now + 60);
      limiter.turn(now + 60, 400, 8);
      expect(limiter.isStarting).toBe(false);
      expect(limiter.streams).toBe(Math.floor((400 * 0.9 * 50) / 80));
    });

    it('stops doubling at the first late round, near the knee', () => {
      const limiter = open();
      const now = rounds(limiter, 0, 2, 50);
      rounds(limiter, now, 1, 200);
      expect(limiter.isStarting).toBe(false);
      expect(limiter.streams).toBe(Math.floor(400 * 0.25));
      expect(limiter.fellBecause).toBe('latency');
    });
  });

  describe('when its owner has little to send', () => {
    it('learns nothing and does not grow', () => {
      const limiter = open();
      for (let now = 50; now < 5000; now += 50) {
        for (let answer = 0; answer < 20; answer++) limiter.answered(50, now);
        limiter.turn(now, 20, 20);
      }
      expect(limiter.streams).toBe(100);
    });

    it('does not fall for a latency that cannot be its doing', () => {
      const limiter = open();
      let now = rounds(limiter, 0, 4, 50);
      for (let round = 0; round < 20; round++) {
        now += 500;
        for (let answer = 0; answer < 20; answer++) limiter.answered(500, now);
        limiter.turn(now, 20, 20);
      }
      expect(limiter.streams).toBe(1000);
      expect(limiter.falls).toBe(0);
    });
  });

  describe('on latency', () => {
    it('falls to a tenth below what the gateway takes at its floor, once in two late rounds', () => {
      const limiter = open();
      const now = rounds(limiter, 0, 4, 50);
      const later = rounds(limiter, now, 1, 120);
      expect(limiter.streams).toBe(1000);
      rounds(limiter, later, 1, 120);
      expect(limiter.streams).toBe(Math.floor((1000 * 0.9 * 50) / 120));
      expect(limiter.falls).toBe(1);
    });

    it('tolerates 50 ms on a path of 1 ms: a busy scheduler is no overload', () => {
      const limiter = open();
      const now = rounds(limiter, 0, 4, 1);
      rounds(limiter, now, 50, 45);
      expect(limiter.streams).toBe(1000);
      expect(limiter.falls).toBe(0);
    });

    it('forgives one late round, such as a moment in which our event loop stood still', () => {
      const limiter = open();
      let now = rounds(limiter, 0, 4, 50);
      for (let times = 0; times < 10; times++) {
        now = rounds(limiter, now, 1, 900);
        now = rounds(limiter, now, 1, 50);
      }
      expect(limiter.streams).toBe(1000);
      expect(limiter.falls).toBe(0);
    });

    it('holds nothing against the gateway while our event loop is starved', () => {
      const limiter = open();
      const now = rounds(limiter, 0, 4, 50);
      limiter.starved(now + 5000);
      rounds(limiter, now, 20, 200);
      expect(limiter.streams).toBe(1000);
    });

    it('does not hang on one answer among many that came after ten seconds', () => {
      const limiter = open();
      let now = rounds(limiter, 0, 4, 50);
      for (let round = 0; round < 20; round++) {
        now += 50;
        limiter.answered(10_000, now);
        for (let answer = 0; answer < 19; answer++) limiter.answered(50, now);
        limiter.turn(now, limiter.streams, 20);
      }
      expect(limiter.falls).toBe(0);
    });

    it('does not go below 4 by latency alone, and learns the floor of a slower path', () => {
      const limiter = open();
      let now = rounds(limiter, 0, 4, 20);
      let least = Infinity;
      for (const end = now + 10_000; now < end;) {
        now = rounds(limiter, now, 1, 150);
        least = Math.min(least, limiter.streams);
      }
      expect(least).toBe(4);
      rounds(limiter, now, 70, 150);
      expect(limiter.floorMs).toBe(150);
      expect(limiter.streams).toBe(1000);
    });
  });

  describe('at the times at which all look for the floor', () => {
    /** One that uses its 1000 streams, with answers in 50 ms, until just before the first such time. */
    function ready(): { limiter: StreamLimiter; now: number } {
      const limiter = open();
      return { limiter, now: rounds(limiter, 0, 99, 50) };
    }

    it('lets its streams drain to a quarter, measures what was opened then, and goes on as before', () => {
      const { limiter, now } = ready();
      limiter.turn(now + 50, 1000, 1);
      expect(limiter.streams).toBe(250);
      // 700 of the old ones end, late; they drain, and are not what is measured.
      for (let answer = 0; answer < 750; answer++) limiter.answered(90, now + 90);
      limiter.turn(now + 90, 1000, 750);
      expect(limiter.streams).toBe(250);
      for (let answer = 0; answer < 200; answer++) limiter.answered(100, now + 100);
      limiter.turn(now + 100, 250, 200);
      expect(limiter.streams).toBe(250);
      for (let answer = 0; answer < 8; answer++) limiter.answered(30, now + 130);
      limiter.turn(now + 130, 250, 8);
      expect(limiter.streams).toBe(1000);
      expect(limiter.floorMs).toBe(30);
    });

    it('gives up when nothing is answered for long', () => {
      const { limiter, now } = ready();
      limiter.turn(now + 50, 1000, 1);
      expect(limiter.streams).toBe(250);
      limiter.turn(now + 500, 1000, 1);
      expect(limiter.streams).toBe(1000);
    });

    it('does so once, and again only when it meets a queue', () => {
      const { limiter, now } = ready();
      limiter.turn(now + 50, 250, 1);
      for (let answer = 0; answer < 8; answer++) limiter.answered(40, now + 90);
      limiter.turn(now + 90, 250, 8);
      const later = rounds(limiter, now + 90, 400, 50);
      let least = Infinity;
      for (let at = later; at < later + 6000;) {
        at = rounds(limiter, at, 1, 80);
        least = Math.min(least, limiter.streams);
      }
      expect(least).toBe(250);
    });

    it('does not when it has little to do', () => {
      const limiter = open();
      const now = rounds(limiter, 0, 98, 50);
      for (let answer = 0; answer < 8; answer++) limiter.answered(50, now + 60);
      limiter.turn(now + 60, 100, 8);
      limiter.turn(now + 200, 100, 1);
      expect(limiter.streams).toBe(1000);
    });
  });

  describe('on refusals', () => {
    it('takes the place of each away at once, but half of the limit at most in one round', () => {
      const limiter = open();
      for (let times = 0; times < 30; times++) limiter.refused('refused');
      expect(limiter.streams).toBe(70);
      for (let times = 0; times < 70; times++) limiter.refused('refused');
      expect(limiter.streams).toBe(50);
      expect(limiter.falls).toBe(1);
      expect(limiter.fellBecause).toBe('refused');
    });

    it('falls by three tenths when they are more than one in fifty', () => {
      const limiter = open();
      const now = rounds(limiter, 0, 4, 50);
      limiter.refused('overload');
      rounds(limiter, now, 1, 50);
      expect(limiter.streams).toBe(700);
      expect(limiter.fellBecause).toBe('overload');
    });

    it('takes fewer for noise: a thousandth of 503 does not keep it down', () => {
      const limiter = open();
      let now = rounds(limiter, 0, 4, 50);
      for (let round = 0; round < 200; round++) {
        now += 50;
        limiter.refused('overload');
        for (let answer = 0; answer < 999; answer++) limiter.answered(50, now);
        limiter.turn(now, limiter.streams, 1000);
      }
      expect(limiter.streams).toBeGreaterThan(950);
    });

    it('goes down to one stream when everything is refused, and comes back within four seconds', () => {
      const limiter = open();
      let now = rounds(limiter, 0, 4, 50);
      for (let turn = 0; turn < 3000; turn++) {
        now++;
        limiter.refused('overload');
        limiter.turn(now, limiter.streams, 1);
      }
      expect(limiter.streams).toBe(1);
      const recoveredFrom = now;
      while (limiter.streams < 1000) now = rounds(limiter, now, 1, 50);
      expect(now - recoveredFrom).toBeLessThan(4000);
    });

    it('falls once in a round trip, however fast they come', () => {
      const limiter = open();
      const now = rounds(limiter, 0, 4, 50);
      for (let turn = 1; turn <= 40; turn++) {
        for (let times = 0; times < 100; times++) limiter.refused('refused');
        limiter.turn(now + turn, 1000, 100);
      }
      expect(limiter.streams).toBe(500);
    });
  });
});

describe('Limiters of a gateway that gets slow beyond a knee', () => {
  it.each(seeds)('stay near it, and lose little (seed %i)', (seed) => {
    const gateway = new ModelledGateway({ capacity: 400, serviceMs: 50, seed });
    gateway.addSender();
    gateway.run(3000);
    const { total, perSecond, latencyMs } = gateway.measure(15_000);
    expect(perSecond).toBeGreaterThan(8000 * 0.9);
    expect(total).toBeGreaterThan(400 * 0.9);
    expect(total).toBeLessThan(400 * 2.2);
    expect(latencyMs).toBeLessThan(50 * 2.2);
  });

  it.each(seeds)('share it, also with those that come later (seed %i)', (seed) => {
    const gateway = new ModelledGateway({ capacity: 400, serviceMs: 50, spreadMs: 20, seed });
    for (let count = 0; count < 4; count++) {
      gateway.addSender();
      gateway.run(700);
    }
    gateway.run(3000);
    const { inFlight, perSecond } = gateway.measure(15_000);
    expect(fairness(inFlight)).toBeGreaterThan(0.95);
    expect(perSecond).toBeGreaterThan(8000 * 0.9);
  });

  it.each(seeds)('share it though those that came later met a queue, and knew no floor (seed %i)', (seed) => {
    const gateway = new ModelledGateway({ capacity: 400, serviceMs: 50, spreadMs: 20, seed });
    for (let count = 0; count < 4; count++) {
      // Nobody tells them: each has an address of its own.
      gateway.addSender(1000, `192.0.2.${count}`);
      gateway.run(1300);
    }
    gateway.run(10_000);
    const { inFlight, total, perSecond } = gateway.measure(15_000);
    expect(fairness(inFlight)).toBeGreaterThan(0.9);
    expect(total).toBeLessThan(400 * 2.2);
    expect(perSecond).toBeGreaterThan(8000 * 0.9);
    for (const { limiter } of gateway.senders) expect(limiter.floorMs).toBeLessThan(50 * 1.4);
  });

  it.each(seeds)('make room in seconds when it loses three quarters, and take it again (seed %i)', (seed) => {
    const gateway = new ModelledGateway({ capacity: 400, serviceMs: 50, seed });
    for (let count = 0; count < 4; count++) gateway.addSender();
    gateway.run(5000);
    gateway.capacity = 100;
    gateway.run(3000);
    const low = gateway.measure(3000);
    expect(low.total).toBeLessThan(100 * 2.5);
    expect(low.perSecond).toBeGreaterThan(2000 * 0.85);
    gateway.capacity = 400;
    gateway.run(3000);
    expect(gateway.measure(3000).perSecond).toBeGreaterThan(8000 * 0.9);
  });

  it.each(seeds)('are refused rarely by one that refuses beyond a bound (seed %i)', (seed) => {
    const gateway = new ModelledGateway({ capacity: 400, serviceMs: 50, refusesAbove: 500, seed });
    for (let count = 0; count < 4; count++) gateway.addSender();
    gateway.run(3000);
    const answered = gateway.answered;
    const refusedBefore = gateway.senders.reduce((sum, sender) => sum + sender.refused, 0);
    const { perSecond, inFlight } = gateway.measure(15_000);
    const refused = gateway.senders.reduce((sum, sender) => sum + sender.refused, 0) - refusedBefore;
    expect(refused / (gateway.answered - answered)).toBeLessThan(0.02);
    expect(perSecond).toBeGreaterThan(8000 * 0.9);
    expect(fairness(inFlight)).toBeGreaterThan(0.95);
  });

  it('use the whole of a gateway that never gets slow', () => {
    const gateway = new ModelledGateway({ capacity: 10_000, serviceMs: 50 });
    for (let count = 0; count < 4; count++) gateway.addSender();
    gateway.run(1000);
    const { inFlight } = gateway.measure(5000);
    // One look for the floor costs a hundredth of five seconds.
    for (const one of inFlight) expect(one).toBeGreaterThan(980);
  });

  it('never have more open than they may, nor than the peer allows', () => {
    const gateway = new ModelledGateway({ capacity: 400, serviceMs: 50, refusesAbove: 600, seed: 9 });
    const free = gateway.addSender(700);
    const bound = gateway.addSender(1000);
    bound.peerStreamsMax = 60;
    gateway.run(10_000, () => {
      if (gateway.now === 4000) bound.peerStreamsMax = 0;
      if (gateway.now === 6000) bound.peerStreamsMax = 1000;
    });
    expect(free.inFlightPeak).toBeLessThanOrEqual(700);
    expect(bound.answered).toBeGreaterThan(0);
    for (const { limiter } of gateway.senders) expect(limiter.streams).toBeGreaterThanOrEqual(1);
  });
});

describe('LatencyFloor', () => {
  it('keeps the least mean of the last five to ten seconds', () => {
    const floor = new LatencyFloor(10_000);
    expect(floor.ms).toBe(Infinity);
    floor.learn(50, 0);
    floor.learn(60, 4000);
    expect(floor.ms).toBe(50);
    floor.learn(60, 6000);
    expect(floor.ms).toBe(50);
    floor.learn(60, 11_000);
    expect(floor.ms).toBe(60);
  });

  it('keeps it for 64 round trips where those are longer', () => {
    const floor = new LatencyFloor(10_000);
    floor.learn(500, 0);
    floor.learn(900, 15_900);
    floor.learn(900, 16_100);
    expect(floor.ms).toBe(500);
    floor.learn(900, 48_000);
    expect(floor.ms).toBe(900);
  });
});
