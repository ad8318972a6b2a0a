import { describe, expect, it } from 'vitest';
import { headOf, topic } from '../test/pushes.ts';
import { Breaker, topicBreaker } from './breaker.ts';
import { HeadTable } from './head.ts';

const { app, pushType } = headOf();
const other = headOf(10, 'com.example.other', 'other').app;

describe('HeadTable', () => {
  it('gives the same head for the same five, with a dense index', () => {
    const heads = new HeadTable(10);
    const first = heads.intern(app, topic('com.example.app'), pushType, 10);
    expect(heads.intern(app, topic('com.example.app'), pushType, 10)).toBe(first);
    const others = [
      heads.intern(app, topic('com.example.app'), pushType, 5),
      heads.intern(other, topic('com.example.app'), pushType, 10),
      heads.intern(app, topic('com.example.app'), pushType, 10, true),
    ];
    expect([first, ...others].map((head) => head?.index)).toEqual([0, 1, 2, 3]);
  });

  it('gives no more heads than it may', () => {
    const heads = new HeadTable(1);
    expect(heads.intern(app, topic('a'), pushType, 10)).not.toBeNull();
    expect(heads.intern(app, topic('b'), pushType, 10)).toBeNull();
    expect(heads.intern(app, topic('a'), pushType, 10)).not.toBeNull();
    expect(heads.size).toBe(1);
  });

  it('knows under which scopes the devices of an app are known', () => {
    const heads = new HeadTable(10);
    heads.intern(app, topic('com.example.app'), pushType, 10);
    heads.intern(app, topic('com.example.app'), pushType, 5);
    heads.intern(app, topic('com.example.app.voip'), pushType, 10);
    heads.intern(other, topic('com.example.other'), pushType, 10);
    expect([...heads.scopesOf('news')]).toEqual([
      'gateway.example com.example.app',
      'gateway.example com.example.app.voip',
    ]);
    expect(heads.scopesOf('unknown').size).toBe(0);
  });

  it('forgets what an app was refused when its credential changes', () => {
    const heads = new HeadTable(10);
    const head = heads.intern(app, topic('com.example.app'), pushType, 10);
    const kept = heads.intern(other, topic('com.example.other'), pushType, 10);
    for (const one of [head, kept]) if (one !== null) one.breaker = new Breaker(topicBreaker, { next: () => 1 });
    heads.closeBreakersOf('news');
    expect([head?.breaker, kept?.breaker === null]).toEqual([null, false]);
  });
});
