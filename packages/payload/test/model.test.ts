// The payloads that other senders' tests expect, made by our builders; and what the builders do not let one write.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  alert,
  type ApsFields,
  background,
  BatchBuilder,
  broadcast,
  complication,
  composed,
  controls,
  endLiveActivity,
  fileProvider,
  location,
  mdm,
  type Notification,
  pushToTalk,
  raw,
  safari,
  startLiveActivity,
  updateLiveActivity,
  voip,
  wallet,
  widgets,
} from '../src/index.ts';
import { acceptObject, type ReadRecord, refuseObject, token } from './batches.ts';
import { ways } from './judgements.ts';

interface Vector {
  readonly id: string;
  readonly expected: Readonly<Record<string, unknown>> & { readonly aps?: Readonly<Record<string, unknown>> };
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../../shared/conformance/apns-payload/payloads.json', import.meta.url), 'utf8'),
) as Vector[];

/** `thread-id` to `threadId`, and 1 to true where that is our spelling: the way back, written for this test. */
function fieldsOf(wire: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(wire).map(([key, value]) => {
      const name = key.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
      if (['contentAvailable', 'mutableContent', 'inputPushToken'].includes(name)) return [name, value === 1];
      if (name === 'alert' && typeof value === 'object') return [name, fieldsOf(value as Record<string, unknown>)];
      if (name === 'sound' && typeof value === 'object') {
        const { name: file, volume } = value as { name: string; volume: number };
        return [name, { name: file, volume }];
      }
      return [name, value];
    }),
  );
}

function sent(notification: Notification): ReadRecord {
  return acceptObject({ token, ...notification });
}

const payloadOf = (notification: Notification): unknown => JSON.parse(sent(notification).payload);

describe('the builders', () => {
  it('make every payload of the conformance vectors, and each is accepted', () => {
    let made = 0;
    for (const { id, expected } of vectors) {
      const { aps, ...data } = expected;
      const fields = aps === undefined ? null : (fieldsOf(aps) as ApsFields); // what the test reads back is typed by it
      const notification = composed({ aps: fields, data });
      expect([id, payloadOf(notification)]).toEqual([id, expected]);
      expect(payloadOf(raw({ pushType: 'alert', payload: expected }))).toEqual(expected);
      made++;
    }
    console.log(`apns-payload: ${made} of ${vectors.length} payloads made by the typed builder`);
    expect(made).toBe(138);
  });

  it('make an alert of everything an alert may have', () => {
    const made = alert({
      alert: { title: { key: 'T', args: ['a'] }, subtitle: 'S', body: { key: 'B' }, launchImage: 'i.png' },
      badge: 0,
      sound: { name: 'alarm.caf', volume: 0.5 },
      interruptionLevel: 'critical',
      threadId: 't',
      category: 'c',
      isMutable: true,
      wakesApp: true,
      targetContentId: 'w',
      relevanceScore: 1,
      filterCriteria: 'f',
      data: { match: 7 },
      priority: 5,
    });
    expect(sent(made)).toMatchObject({ pushType: 'alert', priority: 5 });
    expect(payloadOf(made)).toEqual({
      aps: {
        alert: {
          'title-loc-key': 'T',
          'title-loc-args': ['a'],
          subtitle: 'S',
          'loc-key': 'B',
          'launch-image': 'i.png',
        },
        badge: 0,
        sound: { critical: 1, name: 'alarm.caf', volume: 0.5 },
        'thread-id': 't',
        category: 'c',
        'content-available': 1,
        'mutable-content': 1,
        'target-content-id': 'w',
        'interruption-level': 'critical',
        'relevance-score': 1,
        'filter-criteria': 'f',
      },
      match: 7,
    });
    expect(payloadOf(alert({ alert: 'Hi' }))).toEqual({ aps: { alert: 'Hi' } });
    expect(payloadOf(alert({ badge: 3, isMutable: false }))).toEqual({ aps: { badge: 3 } });
  });

  it('start, update and end Live Activities', () => {
    const timestamp = new Date('2026-11-23T12:00:00.900Z');
    const start = startLiveActivity({
      timestamp,
      attributesType: 'Ride',
      attributes: { from: 'A' },
      contentState: { minutes: 9 },
      alert: { title: { key: 'T', args: ['x'] }, body: 'On its way', sound: 'ping.caf' },
      updatesBy: { channel: 'Y2hhbm5lbA==' },
      priority: 10,
    });
    expect(payloadOf(start)).toEqual({
      aps: {
        timestamp: 1795435200,
        event: 'start',
        'attributes-type': 'Ride',
        attributes: { from: 'A' },
        'content-state': { minutes: 9 },
        'input-push-channel': 'Y2hhbm5lbA==',
        alert: { title: { 'loc-key': 'T', 'loc-args': ['x'] }, body: 'On its way', sound: 'ping.caf' },
      },
    });
    const update = updateLiveActivity({
      timestamp: 1795435260,
      contentState: {},
      staleDate: 1795439999,
      relevanceScore: 75,
    });
    expect(payloadOf(update)).toEqual({
      aps: {
        timestamp: 1795435260,
        event: 'update',
        'content-state': {},
        'stale-date': 1795439999,
        'relevance-score': 75,
      },
    });
    const end = endLiveActivity({ timestamp, dismissalDate: new Date(0) });
    expect(payloadOf(end)).toEqual({ aps: { timestamp: 1795435200, event: 'end', 'dismissal-date': 0 } });
    for (const made of [start, update, end]) expect(sent(made).pushType).toBe('liveactivity');
    expect(broadcast('Y2hhbm5lbA==', end)).toEqual({ ...end, channel: 'Y2hhbm5lbA==' });
  });

  it.each([
    [background({ id: 1 }), 'background', 5, null, { aps: { 'content-available': 1 }, id: 1 }],
    [voip({ call: 'x' }), 'voip', 10, '0', { call: 'x' }],
    [voip({ call: 'x' }, 1795435200), 'voip', 10, '1795435200', { call: 'x' }],
    [pushToTalk({ speaker: 'A' }), 'pushtotalk', 10, '0', { aps: {}, speaker: 'A' }],
    [location(), 'location', 5, null, { aps: {} }],
    [location({ who: 1 }, { isUrgent: true }), 'location', 10, null, { aps: {}, who: 1 }],
    [complication({ score: 2 }), 'complication', 10, null, { score: 2 }],
    [widgets(), 'widgets', 10, null, { aps: { 'content-changed': true } }],
    [controls(), 'controls', 10, '0', { aps: { 'content-changed': true } }],
    [mdm('magic'), 'mdm', 10, null, { mdm: 'magic' }],
    [
      fileProvider({ containerIdentifier: 'NSFileProviderRootContainerItemIdentifier', domain: 'd' }),
      'fileprovider',
      10,
      null,
      { 'container-identifier': 'NSFileProviderRootContainerItemIdentifier', domain: 'd' },
    ],
  ] as const)('make %j', (made, pushType, priority, expiration, payload) => {
    expect(sent(made)).toMatchObject({ pushType, priority, expiration, topic: null });
    expect(payloadOf(made)).toEqual(payload);
    const { payload: given, ...fields } = made;
    for (const { said } of ways(given, fields)) expect(said).toEqual([]);
  });

  it('name the topic where it is not the app', () => {
    expect(sent(wallet('pass.com.example.ticket'))).toMatchObject({ topic: 'pass.com.example.ticket', payload: '{}' });
    const made = safari({ websitePushId: 'web.com.example', title: 'T', body: 'B', action: 'View', urlArgs: [] });
    expect(sent(made).topic).toBe('web.com.example');
    expect(payloadOf(made)).toEqual({ aps: { alert: { title: 'T', body: 'B', action: 'View' }, 'url-args': [] } });
  });

  it('pass push types through that are not known yet', () => {
    const made = raw({ pushType: 'hologram', payload: { aps: { shape: 'cube' } }, priority: 1 });
    expect(sent(made)).toMatchObject({ pushType: 'hologram', priority: 1 });
  });
});

describe('a wrong combination', () => {
  it('does not compile', () => {
    const timestamp = 1;
    const alerted = { title: '', body: '' };
    const started = { timestamp, attributesType: 'A', attributes: {}, contentState: {}, alert: alerted };
    const start = startLiveActivity(started);
    const wrong = [
      // @ts-expect-error a critical sound without a critical alert
      () => alert({ alert: 'Hi', sound: { name: 'a', volume: 1 } }),
      // @ts-expect-error arguments without a key
      () => alert({ alert: { title: { args: ['x'] } } }),
      // @ts-expect-error a background push with a badge
      () => background({ badge: 1 }, { badge: 1 }),
      // @ts-expect-error a start without attributes
      () => startLiveActivity({ timestamp, contentState: {}, attributesType: 'A', alert: { title: '', body: '' } }),
      // @ts-expect-error an update without a state
      () => updateLiveActivity({ timestamp }),
      // @ts-expect-error a broadcast that starts
      () => broadcast('c', start),
      // @ts-expect-error a site's arguments are never left out
      () => safari({ websitePushId: 'web.a', title: '', body: '' }),
      // @ts-expect-error an extension that has no alert to change
      () => alert({ badge: 1, isMutable: true }),
      // @ts-expect-error a level that there is not
      () => alert({ alert: 'Hi', interruptionLevel: 'loud' }),
      // @ts-expect-error a text and its key at once
      () => alert({ alert: { title: { key: 'K', text: 'T' } } }),
      // @ts-expect-error keys of Live Activities in an alert
      () => alert({ alert: 'Hi', contentState: {} }),
      // @ts-expect-error a start with an end's date
      () => startLiveActivity({ ...started, dismissalDate: 1 }),
      // @ts-expect-error an update with a start's attributes
      () => updateLiveActivity({ timestamp, contentState: {}, attributes: {} }),
      // @ts-expect-error updates by a token and through a channel
      () => startLiveActivity({ ...started, updatesBy: { channel: 'c', token: true } }),
      // @ts-expect-error aps beside what the builder makes of it
      () => voip({ aps: {} }),
      // @ts-expect-error a widget that is told what to show
      () => widgets({ score: 1 }),
      // @ts-expect-error a change of files without its domain
      () => fileProvider({ containerIdentifier: 'c' }),
      // @ts-expect-error a priority that there is not
      () => alert({ alert: 'Hi', priority: 7 }),
    ];
    expect(wrong).toHaveLength(18);
  });

  it('is refused where no compiler was asked', () => {
    const data: Record<string, object> = { aps: { badge: 1 } };
    expect(() => alert({ alert: 'Hi', data })).toThrow(
      expect.objectContaining({ code: 'ERR_NOTIFICATION', path: 'data.aps' }),
    );
    expect(() => updateLiveActivity({ timestamp: Date.now(), contentState: {} })).toThrow('timestamp: 1');
    expect(() => raw({ pushType: 'Holo Gram', payload: {} })).toThrow(expect.objectContaining({ path: 'pushType' }));
    expect(() => raw({ pushType: 'alert', payload: [] as unknown as Record<string, unknown> })).toThrow(
      'payload: it is no object',
    );
  });

  it('in a raw payload is refused when it is prepared', () => {
    const large = raw({ pushType: 'alert', payload: { aps: { alert: 'x'.repeat(4096) } } });
    expect(refuseObject({ token, ...large }).code).toBe('local.payload-too-large');
    const polluted = raw({ pushType: 'alert', payload: JSON.parse('{"__proto__":{}}') as Record<string, unknown> });
    expect(refuseObject({ token, ...polluted }).code).toBe('local.forbidden-key');
    expect(
      new BatchBuilder().addObject({ token, ...raw({ pushType: 'background', payload: {}, priority: 10 }) }, 1),
    ).toBe(false);
  });
});
