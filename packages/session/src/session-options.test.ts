import { describe, expect, it } from 'vitest';
import { sessionLimits } from './session-options.ts';

const outbox = { bytes: Buffer.alloc(0), length: 0, reserve: () => {} };

describe('sessionLimits', () => {
  it('fills every gap with a default, also among the floods', () => {
    const limits = sessionLimits({
      outbox,
      streamsMax: 5,
      floods: { rates: { pings: { count: 1, windowMs: 2, perStream: 3 } } },
    });
    expect(limits).toMatchObject({
      streamsMax: 5,
      bodyBytesMax: 4_096,
      settingsTimeoutMs: 5_000,
      requestTimeoutMs: 20_000,
    });
    expect(limits.floods).toMatchObject({ settingsEntriesMax: 32, continuationsMax: 4, acksMax: 100 });
    expect(limits.floods.rates.pings).toEqual({ count: 1, windowMs: 2, perStream: 3 });
    expect(limits.floods.rates.emptyData).toEqual({ count: 100, windowMs: 60_000, perStream: 0 });
    expect(JSON.stringify(limits)).not.toContain('outbox');
  });

  it.each([
    ['streamsMax', { streamsMax: 0 }],
    ['streamsMax', { streamsMax: 1.5 }],
    ['streamsMax', { streamsMax: Infinity }],
    ['streamIdMax', { streamIdMax: 2 ** 31 }],
    ['bodyBytesMax', { bodyBytesMax: -1 }],
    ['bodyBytesCancel', { bodyBytesCancel: 100 }],
    ['windowBytes', { windowBytes: 65_534 }],
    ['replyHeaders.length', { replyHeaders: Array.from({ length: 17 }, (_, index) => `x-${index}`) }],
  ])('refuses a %s that cannot work', (name, options) => {
    expect(() => sessionLimits({ outbox, ...options })).toThrow(`SessionOptions.${name} must be an integer`);
  });
});
