import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { channelReplyBytesMax, parseChannelDescription, parseChannelList } from './channel-reply.ts';

describe('parseChannelDescription', () => {
  it('reads what the page shows', () => {
    const body = '{"message-storage-policy":1,"push-type":"LiveActivity"}';
    const channel = { kind: 'channel', storagePolicy: 'most-recent', pushType: 'LiveActivity' };
    expect(parseChannelDescription(body)).toEqual(channel);
  });

  it('keeps a policy that nobody knows yet, and bears a push type that is missing or hostile', () => {
    expect(parseChannelDescription('{"message-storage-policy":7}')).toEqual({
      kind: 'channel',
      storagePolicy: 7,
      pushType: null,
    });
    expect(parseChannelDescription('{"message-storage-policy":0,"push-type":"a\\nb"}')).toMatchObject({
      pushType: 'a?b',
    });
  });

  it.each(['', 'null', '[]', '{}', '{"message-storage-policy":"1"}', '{"message-storage-policy":1.5}', '{"a"'])(
    'says that %j cannot be read',
    (body) => expect(parseChannelDescription(body)).toMatchObject({ kind: 'unreadable' }),
  );
});

describe('parseChannelList', () => {
  it('reads the ids, none of them, and an answer without a body', () => {
    expect(parseChannelList('{"channels":["dHN0LXNyY2g=","a+/b"]}')).toEqual({
      kind: 'channels',
      channels: ['dHN0LXNyY2g=', 'a+/b'],
    });
    for (const body of ['{"channels":[]}', '', ' \n'])
      expect(parseChannelList(body)).toEqual({ kind: 'channels', channels: [] });
  });

  it('has room for as many channels as an app may have, with ids thrice as long as those seen', () => {
    const body = JSON.stringify({ channels: Array.from({ length: 10_000 }, () => 'x'.repeat(72)) });
    expect(body.length).toBeLessThanOrEqual(channelReplyBytesMax);
    expect(parseChannelList(body)).toMatchObject({ kind: 'channels' });
  });

  it.each([
    ['{"channels":["a",7]}', /channels\[1\]/],
    ['{"channels":["a\\r\\nb: c"]}', /channels\[0\]/],
    ['{"channels":"a"}', /no channels/],
    ['{"channels":null}', /no channels/],
    ['["a"]', /no JSON object/],
    [JSON.stringify({ channels: Array.from({ length: 10_001 }, () => 'a') }), /10001 channels/],
  ])('says that %.30s cannot be read, and why', (body, problem) => {
    expect(parseChannelList(body)).toMatchObject({
      kind: 'unreadable',
      problem: expect.stringMatching(problem) as string,
    });
  });
});

describe('whatever a gateway answers', () => {
  it('is a value', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((text) => `{"channels":${text}}`),
        ),
        (body) => {
          expect(['channel', 'unreadable']).toContain(parseChannelDescription(body).kind);
          expect(['channels', 'unreadable']).toContain(parseChannelList(body).kind);
        },
      ),
      { numRuns: 5000 },
    );
  });
});
