import { describe, expect, it } from 'vitest';
import { isFault } from './fault.ts';
import { payloadBytesMax } from './payload-limit.ts';
import { parsePriority } from './priority.ts';
import { checkPriority, parsePushType, pushTypes } from './push-type.ts';

describe('pushTypes', () => {
  it('names every type as its key', () => {
    for (const [key, pushType] of Object.entries(pushTypes)) expect(pushType.name).toBe(key);
  });

  it('lets every type use its own default priority', () => {
    for (const pushType of Object.values(pushTypes))
      expect(checkPriority(pushType, pushType.defaultPriority)).toBeNull();
  });

  it('allows 5120 bytes for voip and broadcasts, 4096 for the rest', () => {
    for (const pushType of Object.values(pushTypes)) {
      expect(payloadBytesMax(pushType)).toBe(pushType.name === 'voip' ? 5120 : 4096);
      expect(payloadBytesMax(pushType, true)).toBe(5120);
    }
  });
});

describe('parsePushType', () => {
  it('finds a known type', () => {
    expect(parsePushType('voip')).toBe(pushTypes.voip);
  });

  it.each(['holograms', 'constructor', 'a', 'push-type-2', 'a'.repeat(32)])(
    'carries the unknown type %s as data',
    (name) => {
      expect(parsePushType(name)).toMatchObject({ name, isKnown: false, topicSuffix: '', payloadBytesMax: 4096 });
    },
  );

  it.each(['', 'Alert', '__proto__', '-alert', '1st', 'a b', 'alert\r\nx: y', 'a'.repeat(33)])('refuses %j', (name) => {
    expect(parsePushType(name)).toMatchObject({ kind: 'fault', code: 'local.bad-push-type', field: 'pushType' });
  });

  it('suggests the known type that was meant', () => {
    const parsed = parsePushType('LiveActivity');
    expect(isFault(parsed) && parsed.message).toContain('"liveactivity" is right');
  });
});

describe('checkPriority', () => {
  it('refuses a background push at priority 10', () => {
    expect(checkPriority(pushTypes.background, 10)).toMatchObject({ code: 'local.bad-priority', field: 'priority' });
    expect(checkPriority(pushTypes.background, 5)).toBeNull();
  });
});

describe('parsePriority', () => {
  it.each([
    [10, 10],
    [5, 5],
    [1, 1],
    ['10', 10],
    ['5', 5],
    ['1', 1],
  ])('reads %j', (value, expected) => expect(parsePriority(value)).toBe(expected));

  it.each([0, 9000, '9000', 10.5, '10 ', '', null, undefined, true, {}, [10], Number.NaN])('refuses %j', (value) => {
    expect(parsePriority(value)).toMatchObject({ kind: 'fault', code: 'local.bad-priority' });
  });
});
