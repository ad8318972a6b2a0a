import { describe, expect, it } from 'vitest';
import { RateMeter } from './rate-meter.ts';

describe('RateMeter', () => {
  it('comes to the rate of a steady count, and back to nothing when that stands still', () => {
    const meter = new RateMeter();
    let count = 0;
    for (let now = 0; now <= 60_000; now += 100) meter.look((count += 50), now);
    expect(meter.perSecond).toBeCloseTo(500, 0);
    meter.look(count, 65_000);
    expect(meter.perSecond).toBeCloseTo(500 / Math.E, 0);
    meter.look(count, 200_000);
    expect(meter.perSecond).toBeLessThan(0.001);
  });

  it('says 0 before it has seen half a second, whatever was counted before', () => {
    const meter = new RateMeter();
    meter.look(1_000_000, 10);
    meter.look(1_000_500, 20);
    expect(meter.perSecond).toBe(0);
  });

  it('is not moved by how often it is looked at', () => {
    const [often, seldom] = [new RateMeter(), new RateMeter()];
    for (let now = 0; now <= 20_000; now += 10) {
      often.look(now * 3, now);
      if (now % 1000 === 0) seldom.look(now * 3, now);
    }
    expect(often.perSecond).toBeCloseTo(seldom.perSecond, 6);
  });
});
