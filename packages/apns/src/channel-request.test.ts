import { describe, expect, it } from 'vitest';
import {
  channelCreation,
  channelPath,
  channelPlan,
  channelRequests,
  type ChannelOperation,
} from './channel-request.ts';
import { ProviderToken } from './provider-token.ts';
import { parseStoragePolicy, storagePolicyNumbers } from './storage-policy.ts';
import { parseTopic, type Topic } from './topic.ts';

const bundleId = parseTopic('com.example.app') as Topic;
const operations = Object.keys(channelRequests) as ChannelOperation[];

describe('the requests of channel management', () => {
  it('have the methods and paths of the page', () => {
    expect(operations.map((one) => [one, channelRequests[one].method, channelPath(one, bundleId)])).toEqual([
      ['create', 'POST', '/1/apps/com.example.app/channels'],
      ['read', 'GET', '/1/apps/com.example.app/channels'],
      ['list', 'GET', '/1/apps/com.example.app/all-channels'],
      ['delete', 'DELETE', '/1/apps/com.example.app/channels'],
    ]);
  });

  it('may all be repeated but for the one that makes a channel', () => {
    expect(operations.filter((one) => !channelRequests[one].isIdempotent)).toEqual(['create']);
  });

  it('create a channel with the body of the page', () => {
    expect(channelCreation('none').toString()).toBe('{"message-storage-policy":0,"push-type":"LiveActivity"}');
    expect(channelCreation('most-recent').toString()).toBe('{"message-storage-policy":1,"push-type":"LiveActivity"}');
  });

  it('name channel and request in headers, and authorize with a provider token where there is one', () => {
    const providerToken = new ProviderToken('h.c.s', 'ABCDE12345', 0);
    const authority = 'api-manage-broadcast.push.apple.com:2196';
    const plan = channelPlan({ authority, providerToken, operation: 'delete', bundleId });
    expect(plan).toEqual([
      { name: ':method', value: 'DELETE', indexing: 'incremental' },
      { name: ':scheme', value: 'https', indexing: 'incremental' },
      { name: ':authority', value: authority, indexing: 'incremental' },
      { name: ':path', value: '/1/apps/com.example.app/channels', indexing: 'without' },
      { name: 'authorization', value: 'bearer h.c.s', indexing: 'incremental' },
      { name: 'apns-channel-id', slot: 0, indexing: 'name' },
      { name: 'apns-request-id', slot: 1, indexing: 'name' },
    ]);
    const withCertificate = channelPlan({ authority, providerToken: null, operation: 'list', bundleId });
    expect(withCertificate.map(({ name }) => name)).not.toContain('authorization');
  });
});

describe('parseStoragePolicy', () => {
  it('takes the name and the number of the page', () => {
    for (const value of ['none', 0, '0']) expect(parseStoragePolicy(value)).toBe('none');
    for (const value of ['most-recent', 1, '1']) expect(parseStoragePolicy(value)).toBe('most-recent');
    expect(storagePolicyNumbers).toEqual({ none: 0, 'most-recent': 1 });
  });

  it.each([2, -1, true, null, undefined, '', 'all', 'None', {}, [0]])('refuses %j', (value) => {
    expect(parseStoragePolicy(value, '--storage-policy')).toMatchObject({
      code: 'local.bad-storage-policy',
      field: '--storage-policy',
    });
  });
});
