import { describe, expect, it } from 'vitest';
import { broadcastPlan, checkBroadcastTopic, checkBroadcastType } from './broadcast.ts';
import { ProviderToken } from './provider-token.ts';
import { parsePushType, pushTypes, type PushType } from './push-type.ts';
import { parseTopic, type Topic } from './topic.ts';

const bundleId = parseTopic('com.example.app') as Topic;
const providerToken = new ProviderToken('h.c.s', 'ABCDE12345', 0);
const options = {
  authority: 'api.push.apple.com',
  providerToken,
  bundleId,
  pushType: pushTypes.liveactivity,
  priority: 5,
} as const;

describe('broadcastPlan', () => {
  it('names the app in the path, the channel in a header, and no topic', () => {
    expect(broadcastPlan(options)).toEqual([
      { name: ':method', value: 'POST', indexing: 'incremental' },
      { name: ':scheme', value: 'https', indexing: 'incremental' },
      { name: ':authority', value: 'api.push.apple.com', indexing: 'incremental' },
      { name: ':path', value: '/4/broadcasts/apps/com.example.app', indexing: 'without' },
      { name: 'authorization', value: 'bearer h.c.s', indexing: 'incremental' },
      { name: 'apns-push-type', value: 'liveactivity', indexing: 'incremental' },
      { name: 'apns-priority', value: '5', indexing: 'incremental' },
      { name: 'apns-channel-id', slot: 0, indexing: 'name' },
      { name: 'apns-request-id', slot: 1, indexing: 'name' },
      { name: 'apns-expiration', slot: 2, indexing: 'name' },
    ]);
  });

  it('sends no authorization on a connection with a certificate', () => {
    expect(broadcastPlan({ ...options, providerToken: null }).map(({ name }) => name)).not.toContain('authorization');
  });
});

describe('checkBroadcastType', () => {
  it('lets Live Activities and types nobody knows yet through, and nothing else', () => {
    expect(checkBroadcastType(pushTypes.liveactivity)).toBeNull();
    expect(checkBroadcastType(parsePushType('holograms') as PushType)).toBeNull();
    for (const pushType of Object.values(pushTypes)) {
      if (pushType === pushTypes.liveactivity) continue;
      expect(checkBroadcastType(pushType)).toMatchObject({ code: 'local.bad-push-type', field: 'pushType' });
    }
  });
});

describe('checkBroadcastTopic', () => {
  it('wants the bundle id without a suffix, and says which that is', () => {
    expect(checkBroadcastTopic(bundleId)).toBeNull();
    const suffixed = parseTopic('com.example.app.push-type.liveactivity') as Topic;
    expect(checkBroadcastTopic(suffixed)).toMatchObject({
      code: 'local.bad-topic',
      message: expect.stringContaining('"com.example.app" is right') as string,
    });
  });
});
