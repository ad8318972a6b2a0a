import { describe, expect, it } from 'vitest';
import { ReplyStore } from './reply.ts';

describe('ReplyStore', () => {
  it('gives a record out again, but not one that a long body made large', () => {
    const store = new ReplyStore([]);
    const usual = store.take();
    usual.appendBody(Buffer.from('{"reason":"BadTopic"}'), 0, 21, 1_000_000);
    store.giveBack(usual);
    expect(store.take()).toBe(usual);
    usual.appendBody(Buffer.alloc(100_000), 0, 100_000, 1_000_000);
    expect(usual.bodyLength).toBe(100_021);
    store.giveBack(usual);
    expect(store.take()).not.toBe(usual);
    expect(store.out).toBe(1);
  });
});
