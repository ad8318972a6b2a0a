import { describe, expect, it } from 'vitest';
import { channelIdCharsMax, parseChannelId } from './channel-id.ts';

describe('parseChannelId', () => {
  it.each(['dHN0LXNyY2gtY2hhbm5lbA==', 'a+/b', 'AAAA', 'A', 'AB=', 'a'.repeat(channelIdCharsMax)])(
    'takes %s as it is',
    (text) => expect(parseChannelId(text)).toBe(text),
  );

  it.each([
    '',
    '=',
    '==',
    'ab===',
    'a=b=',
    '=abc',
    'dHN0 LXNy',
    'dHN0-LXNy_',
    'dHN0\r\nx: y',
    'dHN0\u0000',
    'größe',
    'a'.repeat(channelIdCharsMax + 1),
  ])('refuses %j', (text) => {
    expect(parseChannelId(text)).toMatchObject({ kind: 'fault', code: 'local.bad-channel', field: 'channel' });
  });

  it('names the field it was asked about', () => {
    expect(parseChannelId('?', '--channel')).toMatchObject({ field: '--channel' });
  });
});
