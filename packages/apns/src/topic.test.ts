import { describe, expect, it } from 'vitest';
import { isFault } from './fault.ts';
import { pushTypes } from './push-type.ts';
import { parseTopic, topicFor, type Topic } from './topic.ts';

function topic(text: string): Topic {
  const parsed = parseTopic(text);
  if (isFault(parsed)) throw new Error(parsed.message);
  return parsed;
}

describe('parseTopic', () => {
  it.each(['com.example.app', 'pass.com.Example-1', 'com.apple.mgmt.External.8f14e45f-ceea', 'a'.repeat(255)])(
    'accepts %s',
    (text) => expect(parseTopic(text)).toBe(text),
  );

  it.each(['', 'a'.repeat(256), 'com.example app', 'com.example\r\nx: y', 'com_example', 'com.éxample', 'a\u0000'])(
    'refuses %j',
    (text) => expect(parseTopic(text)).toMatchObject({ kind: 'fault', code: 'local.bad-topic', field: 'topic' }),
  );

  it('names the field it was asked for, the character and its place', () => {
    const parsed = parseTopic('com.example\nx', 'apps.news.topic');
    expect(parsed).toMatchObject({ field: 'apps.news.topic' });
    expect(isFault(parsed) && parsed.message).toMatch(/"\\u000a" \(character 12\)/);
  });
});

describe('topicFor', () => {
  it.each([
    ['alert', 'com.example.app'],
    ['background', 'com.example.app'],
    ['voip', 'com.example.app.voip'],
    ['complication', 'com.example.app.complication'],
    ['fileprovider', 'com.example.app.pushkit.fileprovider'],
    ['mdm', 'com.example.app'],
    ['location', 'com.example.app.location-query'],
    ['liveactivity', 'com.example.app.push-type.liveactivity'],
    ['pushtotalk', 'com.example.app.voip-ptt'],
    ['widgets', 'com.example.app.push-type.widgets'],
    ['controls', 'com.example.app.push-type.controls'],
  ] as const)('gives %s the topic %s', (name, expected) => {
    expect(topicFor(topic('com.example.app'), pushTypes[name])).toBe(expected);
  });

  it('does not add a suffix that is there already', () => {
    expect(topicFor(topic('com.example.app.voip'), pushTypes.voip)).toBe('com.example.app.voip');
  });

  it('refuses a topic that the suffix makes too long', () => {
    expect(isFault(topicFor(topic('a'.repeat(250)), pushTypes.voip))).toBe(false);
    expect(isFault(topicFor(topic('a'.repeat(251)), pushTypes.voip))).toBe(true);
  });
});
