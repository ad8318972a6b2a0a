// What a payload says, rule by rule: an example that is sent without a word, and one that is refused or warned about, with
// its code and its path. Every rule is asked in five ways: as a line, as a line with the payload as text, as an object,
// as a string and as bytes; and they must agree.

import { describe, expect, it } from 'vitest';
import { BatchBuilder, refusalCodes, warningCodes } from '../src/index.ts';
import { alertSchema, apsSchema } from '../src/checks/aps-schema.ts';
import { payloadLine, token } from './batches.ts';
import { isAboutPayload, type JobFields, type Judgement, type Payload, ways } from './judgements.ts';

const channel = 'dHN0LXNyY2gtY2hhbm5lbA==';

/** All ways agree, and this is what they say. */
function judge(payload: Payload, fields: JobFields = {}): Judgement {
  const [first, ...others] = ways(payload, fields);
  for (const other of others) expect(other).toEqual(first);
  return first;
}

const activity = { timestamp: 1_795_435_200, 'content-state': {} };
const start = {
  ...activity,
  event: 'start',
  'attributes-type': 'Ride',
  attributes: {},
  alert: { title: 'T', body: 'B' },
};

/** Push type; what is in `aps` and is right; what is not, its code and its path. */
type Rule = readonly [pushType: string, right: Payload, wrong: Payload, code: string, path: string];

const refusals: readonly Rule[] = [
  ['alert', { alert: 'Hi' }, { alert: 5 }, 'local.payload-wrong-type', 'aps.alert'],
  ['alert', { alert: {} }, { alert: ['Hi'] }, 'local.payload-wrong-type', 'aps.alert'],
  ['alert', { badge: 0 }, { badge: '7' }, 'local.payload-wrong-type', 'aps.badge'],
  ['alert', { sound: 'default' }, { sound: 1 }, 'local.payload-wrong-type', 'aps.sound'],
  ['alert', { 'thread-id': 't' }, { 'thread-id': 7 }, 'local.payload-wrong-type', 'aps.thread-id'],
  ['alert', { category: 'c' }, { category: {} }, 'local.payload-wrong-type', 'aps.category'],
  [
    'alert',
    { alert: 'a', 'content-available': 1 },
    { 'content-available': {} },
    'local.payload-wrong-type',
    'aps.content-available',
  ],
  ['alert', { 'mutable-content': 1 }, { 'mutable-content': [] }, 'local.payload-wrong-type', 'aps.mutable-content'],
  [
    'alert',
    { 'target-content-id': 'w' },
    { 'target-content-id': true },
    'local.payload-wrong-type',
    'aps.target-content-id',
  ],
  [
    'alert',
    { 'interruption-level': 'passive' },
    { 'interruption-level': 1 },
    'local.payload-wrong-type',
    'aps.interruption-level',
  ],
  [
    'alert',
    { 'relevance-score': 0.25 },
    { 'relevance-score': '0.5' },
    'local.payload-wrong-type',
    'aps.relevance-score',
  ],
  ['alert', { 'relevance-score': 1 }, { 'relevance-score': 1.5 }, 'local.payload-bad-value', 'aps.relevance-score'],
  ['alert', { 'relevance-score': 1e-3 }, { 'relevance-score': -0.1 }, 'local.payload-bad-value', 'aps.relevance-score'],
  ['alert', { 'filter-criteria': 'f' }, { 'filter-criteria': {} }, 'local.payload-wrong-type', 'aps.filter-criteria'],
  ['alert', { 'url-args': [] }, { 'url-args': 'x' }, 'local.payload-wrong-type', 'aps.url-args'],
  ['alert', { 'url-args': ['a', 'b'] }, { 'url-args': ['a', 1] }, 'local.payload-wrong-type', 'aps.url-args[1]'],
  ['alert', { alert: { title: 't' } }, { alert: { title: 1 } }, 'local.payload-wrong-type', 'aps.alert.title'],
  [
    'alert',
    { alert: { title: 't' } },
    { alert: { title: { 'loc-key': 'K' } } },
    'local.payload-wrong-type',
    'aps.alert.title',
  ],
  [
    'alert',
    { alert: { subtitle: 's' } },
    { alert: { subtitle: [] } },
    'local.payload-wrong-type',
    'aps.alert.subtitle',
  ],
  ['alert', { alert: { body: 'b' } }, { alert: { body: false } }, 'local.payload-wrong-type', 'aps.alert.body'],
  [
    'alert',
    { alert: { 'launch-image': 'i' } },
    { alert: { 'launch-image': 1 } },
    'local.payload-wrong-type',
    'aps.alert.launch-image',
  ],
  [
    'alert',
    { alert: { 'title-loc-key': 'K' } },
    { alert: { 'title-loc-key': 1 } },
    'local.payload-wrong-type',
    'aps.alert.title-loc-key',
  ],
  [
    'alert',
    { alert: { 'title-loc-args': ['a', 'b'] } },
    { alert: { 'title-loc-args': ['a', 'b', 3] } },
    'local.payload-wrong-type',
    'aps.alert.title-loc-args[2]',
  ],
  [
    'alert',
    { alert: { 'subtitle-loc-key': 'K' } },
    { alert: { 'subtitle-loc-key': {} } },
    'local.payload-wrong-type',
    'aps.alert.subtitle-loc-key',
  ],
  [
    'alert',
    { alert: { 'subtitle-loc-args': [] } },
    { alert: { 'subtitle-loc-args': {} } },
    'local.payload-wrong-type',
    'aps.alert.subtitle-loc-args',
  ],
  [
    'alert',
    { alert: { 'loc-key': 'K' } },
    { alert: { 'loc-key': 1 } },
    'local.payload-wrong-type',
    'aps.alert.loc-key',
  ],
  [
    'alert',
    { alert: { 'loc-args': ['"'] } },
    { alert: { 'loc-args': [null] } },
    'local.payload-wrong-type',
    'aps.alert.loc-args[0]',
  ],
  [
    'alert',
    { alert: { 'action-loc-key': null } },
    { alert: { 'action-loc-key': 1 } },
    'local.payload-wrong-type',
    'aps.alert.action-loc-key',
  ],
  ['alert', { alert: { action: 'View' } }, { alert: { action: 1 } }, 'local.payload-wrong-type', 'aps.alert.action'],
  [
    'alert',
    { alert: { 'summary-arg': 'x' } },
    { alert: { 'summary-arg': 1 } },
    'local.payload-wrong-type',
    'aps.alert.summary-arg',
  ],
  [
    'alert',
    { alert: { 'summary-arg-count': 2 } },
    { alert: { 'summary-arg-count': '2' } },
    'local.payload-wrong-type',
    'aps.alert.summary-arg-count',
  ],
  [
    'alert',
    { sound: { critical: 1, name: 'a', volume: 0 } },
    { sound: { name: 5 } },
    'local.payload-wrong-type',
    'aps.sound.name',
  ],
  [
    'alert',
    { sound: { critical: 1, name: 'a', volume: 1 } },
    { sound: { critical: {} } },
    'local.payload-wrong-type',
    'aps.sound.critical',
  ],
  ['alert', { sound: { volume: 0.5 } }, { sound: { volume: 5 } }, 'local.payload-bad-value', 'aps.sound.volume'],
  ['alert', { sound: { volume: 0.5 } }, { sound: { volume: '1' } }, 'local.payload-wrong-type', 'aps.sound.volume'],
  [
    'background',
    { 'content-available': 1 },
    { 'content-available': 1, alert: 'Hi' },
    'local.background-visible',
    'aps.alert',
  ],
  [
    'background',
    { 'content-available': 1 },
    { 'content-available': 1, badge: 0 },
    'local.background-visible',
    'aps.badge',
  ],
  [
    'background',
    { 'content-available': 1 },
    { 'content-available': 1, sound: '' },
    'local.background-visible',
    'aps.sound',
  ],
  [
    'liveactivity',
    { ...activity, event: 'update' },
    { ...activity, event: 5 },
    'local.payload-wrong-type',
    'aps.event',
  ],
  [
    'liveactivity',
    { ...activity, event: 'update' },
    { event: 'update', 'content-state': 'x' },
    'local.payload-wrong-type',
    'aps.content-state',
  ],
  [
    'liveactivity',
    { ...activity, event: 'update' },
    { event: 'update', timestamp: '5' },
    'local.payload-wrong-type',
    'aps.timestamp',
  ],
  [
    'liveactivity',
    { ...activity, event: 'update' },
    { event: 'update', timestamp: 1_795_435_200_000 },
    'local.payload-bad-value',
    'aps.timestamp',
  ],
  [
    'liveactivity',
    { ...activity, event: 'update', 'stale-date': 1 },
    { ...activity, event: 'update', 'stale-date': 'x' },
    'local.payload-wrong-type',
    'aps.stale-date',
  ],
  [
    'liveactivity',
    { ...activity, event: 'update', 'relevance-score': 75 },
    { ...activity, event: 'update', 'relevance-score': {} },
    'local.payload-wrong-type',
    'aps.relevance-score',
  ],
  [
    'liveactivity',
    { timestamp: 1, event: 'end' },
    { timestamp: 1, event: 'end', 'dismissal-date': '0' },
    'local.payload-wrong-type',
    'aps.dismissal-date',
  ],
  [
    'liveactivity',
    { timestamp: 1, event: 'end', 'dismissal-date': -5 },
    { timestamp: 1, event: 'end', 'dismissal-date': 1e12 },
    'local.payload-bad-value',
    'aps.dismissal-date',
  ],
  ['liveactivity', start, { ...start, alert: undefined }, 'local.payload-key-missing', 'aps.alert'],
  ['liveactivity', start, { ...start, attributes: undefined }, 'local.payload-key-missing', 'aps.attributes'],
  [
    'liveactivity',
    start,
    { ...start, 'attributes-type': undefined },
    'local.payload-key-missing',
    'aps.attributes-type',
  ],
  ['liveactivity', start, { ...start, attributes: 'x' }, 'local.payload-wrong-type', 'aps.attributes'],
  ['liveactivity', start, { ...start, 'attributes-type': 5 }, 'local.payload-wrong-type', 'aps.attributes-type'],
  [
    'liveactivity',
    { ...start, 'input-push-channel': channel },
    { ...start, 'input-push-channel': 5 },
    'local.payload-wrong-type',
    'aps.input-push-channel',
  ],
  [
    'liveactivity',
    { ...start, 'input-push-token': 1 },
    { ...start, 'input-push-token': {} },
    'local.payload-wrong-type',
    'aps.input-push-token',
  ],
  [
    'liveactivity',
    { ...start, alert: { title: { 'loc-key': 'K', 'loc-args': ['a'] }, body: 'b', sound: 's' } },
    { ...start, alert: { title: { 'loc-key': 1 } } },
    'local.payload-wrong-type',
    'aps.alert.title.loc-key',
  ],
  [
    'liveactivity',
    start,
    { ...start, alert: { body: { 'loc-args': ['a', 2] } } },
    'local.payload-wrong-type',
    'aps.alert.body.loc-args[1]',
  ],
  ['liveactivity', start, { ...start, alert: { sound: 2 } }, 'local.payload-wrong-type', 'aps.alert.sound'],
  [
    'widgets',
    { 'content-changed': true },
    { 'content-changed': 'yes' },
    'local.payload-wrong-type',
    'aps.content-changed',
  ],
  [
    'controls',
    { 'content-changed': true },
    { 'content-changed': {} },
    'local.payload-wrong-type',
    'aps.content-changed',
  ],
];

const warned: readonly Rule[] = [
  ['alert', { alert: 'a' }, { alert: 'a', mine: 1 }, 'local.unknown-aps-key', 'aps.mine'],
  ['alert', { alert: 'a' }, { alert: 'a', 'my key': 1 }, 'local.unknown-aps-key', 'aps["my key"]'],
  ['alert', { alert: { title: 't' } }, { alert: { titel: 't' } }, 'local.unknown-aps-key', 'aps.alert.titel'],
  ['alert', { sound: { name: 'a' } }, { sound: { file: 'a' } }, 'local.unknown-aps-key', 'aps.sound.file'],
  [
    'alert',
    { 'interruption-level': 'time-sensitive' },
    { 'interruption-level': 'loud' },
    'local.unknown-value',
    'aps.interruption-level',
  ],
  [
    'liveactivity',
    { ...activity, event: 'update' },
    { ...activity, event: 'pause' },
    'local.unknown-value',
    'aps.event',
  ],
  ['alert', { alert: 'a' }, { alert: 'a', event: 'update' }, 'local.misplaced-key', 'aps.event'],
  ['alert', { alert: 'a' }, { alert: 'a', 'content-changed': true }, 'local.misplaced-key', 'aps.content-changed'],
  ['alert', { alert: { body: 'a' } }, { alert: { body: 'a', sound: 's' } }, 'local.misplaced-key', 'aps.alert.sound'],
  [
    'widgets',
    { 'content-changed': true },
    { 'content-changed': true, event: 'update' },
    'local.misplaced-key',
    'aps.event',
  ],
  [
    'liveactivity',
    { ...activity, event: 'update' },
    { ...activity, event: 'update', 'content-changed': true },
    'local.misplaced-key',
    'aps.content-changed',
  ],
  ['alert', { alert: 'a' }, { alert: 'a', badge: null }, 'local.null-value', 'aps.badge'],
  ['alert', { alert: { body: 'a' } }, { alert: { body: 'a', title: null } }, 'local.null-value', 'aps.alert.title'],
  ['alert', { badge: 5 }, { badge: -1 }, 'local.odd-value', 'aps.badge'],
  ['alert', { badge: 5 }, { badge: 1.5 }, 'local.odd-value', 'aps.badge'],
  ['alert', { 'mutable-content': 1 }, { 'mutable-content': true }, 'local.odd-value', 'aps.mutable-content'],
  [
    'alert',
    { alert: 'a', 'content-available': 1 },
    { alert: 'a', 'content-available': 0 },
    'local.odd-value',
    'aps.content-available',
  ],
  [
    'alert',
    { alert: 'a', 'content-available': 1 },
    { alert: 'a', 'content-available': '1' },
    'local.odd-value',
    'aps.content-available',
  ],
  ['alert', { sound: { critical: 1 } }, { sound: { critical: true } }, 'local.odd-value', 'aps.sound.critical'],
  ['widgets', { 'content-changed': true }, { 'content-changed': 1 }, 'local.odd-value', 'aps.content-changed'],
  [
    'liveactivity',
    { ...start, 'input-push-token': 1 },
    { ...start, 'input-push-token': 1, 'input-push-channel': channel },
    'local.odd-value',
    'aps.input-push-channel',
  ],
  ['background', { 'content-available': 1 }, {}, 'local.advised-key-missing', 'aps.content-available'],
  ['liveactivity', { ...activity, event: 'update' }, activity, 'local.advised-key-missing', 'aps.event'],
  [
    'liveactivity',
    { ...activity, event: 'update' },
    { ...activity, event: 'update', timestamp: undefined },
    'local.advised-key-missing',
    'aps.timestamp',
  ],
  [
    'liveactivity',
    { timestamp: 1, event: 'end' },
    { timestamp: 1, event: 'update' },
    'local.advised-key-missing',
    'aps.content-state',
  ],
  ['widgets', { 'content-changed': true }, {}, 'local.advised-key-missing', 'aps.content-changed'],
  ['controls', { 'content-changed': true }, {}, 'local.advised-key-missing', 'aps.content-changed'],
  [
    'alert',
    { 'content-available': 1, alert: 'a' },
    { 'content-available': 1 },
    'local.push-type-mismatch',
    'aps.content-available',
  ],
];

const builder = new BatchBuilder();

describe('a payload', () => {
  it.each(refusals)(
    'of type %s with aps %j is sent; with %j it is refused: %s at %s',
    (pushType, right, wrong, code, path) => {
      expect(judge({ aps: right }, { pushType })).toEqual({ isSent: true, said: [] });
      const { isSent, said } = judge({ aps: wrong }, { pushType });
      expect([isSent, said.map((one) => [one.code, one.path])]).toEqual([false, [[code, path]]]);
      expect(said[0].message).toMatch(/^aps\S* (?:is|means|stands) .*;? .+/);
    },
  );

  it.each(warned)(
    'of type %s with aps %j is sent; with %j, too, with a warning: %s at %s',
    (pushType, right, odd, code, path) => {
      expect(judge({ aps: right }, { pushType })).toEqual({ isSent: true, said: [] });
      const { isSent, said } = judge({ aps: odd }, { pushType });
      expect([isSent, said.map((one) => [one.code, one.path])]).toEqual([true, [[code, path]]]);
      expect(said[0].message).toMatch(/^aps\S* .+/);
    },
  );

  it.each<readonly [Payload, JobFields, boolean, string, string]>([
    [{ aps: 'Hi' }, {}, false, 'local.payload-wrong-type', 'aps'],
    [{ aps: ['Hi'] }, {}, false, 'local.payload-wrong-type', 'aps'],
    [{ aps: null }, {}, true, 'local.null-value', 'aps'],
    // What PHP writes for an empty dictionary, in pushes of Wallet above all.
    [{ aps: [] }, {}, true, 'local.odd-value', 'aps'],
    [{ alert: 'Hi' }, {}, true, 'local.misplaced-key', 'alert'],
    [{ domain: 'd' }, { pushType: 'fileprovider' }, true, 'local.advised-key-missing', 'container-identifier'],
    [
      { 'container-identifier': 'c', domain: 5 },
      { pushType: 'fileprovider' },
      true,
      'local.advised-key-missing',
      'domain',
    ],
    [{ mdm: 5 }, { pushType: 'mdm' }, true, 'local.advised-key-missing', 'mdm'],
    [{ call: 1 }, { pushType: 'voip' }, true, 'local.odd-delivery', 'expiration'],
    [{ aps: {} }, { pushType: 'pushtotalk' }, true, 'local.odd-delivery', 'expiration'],
    [{ aps: {} }, { pushType: 'pushtotalk', expiration: 0, priority: 5 }, true, 'local.odd-delivery', 'priority'],
    [{ aps: start }, { channel }, false, 'local.broadcast-start', 'aps.event'],
  ])('%j with %j: sent %s, %s at %s', (payload, fields, wantsSent, code, path) => {
    const { isSent, said } = judge(payload, fields);
    expect([isSent, said.map((one) => [one.code, one.path])]).toEqual([wantsSent, [[code, path]]]);
  });

  it.each<readonly [Payload, JobFields]>([
    [{}, {}],
    [{ mine: { aps: 5 } }, {}],
    [{ aps: {} }, { topic: 'pass.com.example.ticket' }],
    [{ 'container-identifier': 'c', domain: 'd' }, { pushType: 'fileprovider' }],
    [{ mdm: 'magic' }, { pushType: 'mdm' }],
    [{ call: 1 }, { pushType: 'voip', expiration: 0 }],
    [{ aps: {} }, { pushType: 'pushtotalk', expiration: 0 }],
    [{ aps: { ...activity, event: 'update' } }, { channel }],
    // The app's own dictionary.
    [{ aps: { alert: 5, mine: 1 } }, { pushType: 'voip', expiration: 0 }],
    [{ aps: 'x' }, { pushType: 'complication' }],
    [{ aps: { badge: 'x' } }, { pushType: 'location' }],
    // Types that are not known yet are not held to today's schema.
    [{ aps: { shape: 'cube', alert: 5 } }, { pushType: 'hologram' }],
  ])('%j with %j is sent without a word', (payload, fields) => {
    expect(judge(payload, fields)).toEqual({ isSent: true, said: [] });
  });

  it('names every key of Apple in some rule', () => {
    const named = JSON.stringify([refusals, warned]);
    for (const key of [...Object.keys(apsSchema), ...Object.keys(alertSchema)]) expect(named).toContain(`"${key}"`);
  });

  it('has an example of every code about what it says', () => {
    const given = new Set([...refusals, ...warned].map(([, , , code]) => code));
    const others = ['local.odd-delivery', 'local.broadcast-start'];
    const wanted = [...Object.keys(warningCodes), ...Object.keys(refusalCodes).filter((code) => isAboutPayload(code))];
    expect([...given, ...others].sort()).toEqual(wanted.sort());
  });

  it('says what was probably meant', () => {
    const { said } = judge({ aps: { alert: 'a', threadId: 't', content_available: 1 } });
    expect(said.map(({ message }) => message)).toEqual([
      "aps.threadId is no key of Apple's; thread-id is meant?",
      "aps.content_available is no key of Apple's; content-available is meant?",
    ]);
  });

  it('has at most 8 warnings, and the refusal is never among those left out', () => {
    const keys = Object.fromEntries(Array.from({ length: 50 }, (_, k) => [`key${k}`, k]));
    expect(judge({ aps: keys }).said).toHaveLength(8);
    expect(judge({ aps: { ...keys, alert: 5 } })).toMatchObject({ isSent: false, said: [{ path: 'aps.alert' }] });
  });

  it('never shows a whole device token, nor text that could forge a line of a log', () => {
    const { said } = judge({ aps: { [token]: 1, 'a\nb': 2, alert: 'a' } });
    expect(said).toHaveLength(2);
    for (const { path, message } of said) {
      expect(`${path}${message}`).not.toContain(token);
      expect(`${path}${message}`).toMatch(/^[\x20-\x7e…]*$/);
    }
  });

  it('shares a set of warnings among the records that have it', () => {
    const odd = payloadLine('{"aps":{"alert":"a","mine":1}}');
    const other = payloadLine('{"aps":{"alert":"a","yours":1}}');
    builder.addLines(Buffer.from([odd, payloadLine('{"aps":{"alert":"a"}}'), other, odd].join('\n')), 1);
    const { index, warnings } = builder.take();
    expect([0, 1, 2, 3].map((record) => index[record * 16 + 14] >>> 8)).toEqual([1, 0, 2, 1]);
    expect(warnings.map(({ records }) => records)).toEqual([2, 1]);
  });
});
