import { describe, expect, it } from 'vitest';
import { ReceiveWindow, SendWindow } from './flow-window.ts';

describe('SendWindow', () => {
  it('starts at 65,535, shrinks by what is reserved and grows by WINDOW_UPDATE', () => {
    const window = new SendWindow();
    window.reserve(65_535);
    expect([window.bytes, window.grow(100), window.bytes]).toEqual([0, true, 100]);
    window.giveBack(5);
    expect(window.bytes).toBe(105);
  });

  it('refuses to go below zero, as a bug', () => {
    expect(() => new SendWindow().reserve(65_536)).toThrow(/^bug: /);
  });

  it('tells of an overflow past 2^31 - 1', () => {
    const window = new SendWindow();
    expect(window.grow(2 ** 31 - 1 - 65_535)).toBe(true);
    expect(window.grow(1)).toBe(false);
  });
});

describe('ReceiveWindow', () => {
  it('is raised once, topped up at half, and says when the peer oversteps it', () => {
    const window = new ReceiveWindow(100_000);
    expect(window.takeRaise()).toBe(34_465);
    expect([window.take(49_999), window.takeTopUp()]).toEqual([true, 0]);
    expect([window.take(1), window.takeTopUp(), window.takeTopUp()]).toEqual([true, 50_000, 0]);
    expect([window.take(100_000), window.take(1)]).toEqual([true, false]);
  });
});
