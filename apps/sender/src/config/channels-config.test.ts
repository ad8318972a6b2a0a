import { describe, expect, it } from 'vitest';

import { UsageError } from '../command-line/usage-error.ts';
import { channelsConfig } from './channels-config.ts';

const channel = 'dHN0LXNyY2gtY2hhbm5lbA==';
const line = { topic: 'com.example.app', key: 'k.p8', 'key-id': 'KEY1234567', 'team-id': 'TEAM123456' } as const;

function refusal(words: readonly string[], given: object = {}, file: object = {}): string {
  try {
    channelsConfig(words, { ...line, ...given }, file);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('channelsConfig', () => {
  it('knows the four actions', () => {
    expect(channelsConfig(['create'], { ...line, 'storage-policy': '0' }, {}).action).toEqual({
      kind: 'create',
      storagePolicy: 'none',
    });
    expect(channelsConfig(['list'], line, {}).action).toEqual({ kind: 'list' });
    expect(channelsConfig(['read', channel], line, {}).action).toEqual({ kind: 'read', channels: [channel] });
    expect(channelsConfig(['delete', channel, 'a+/b'], line, {}).action).toEqual({
      kind: 'delete',
      channels: [channel, 'a+/b'],
    });
  });

  it.each([
    [[], /create, read, list, delete; one of them is missing/],
    [['creat'], /did you mean create\?/],
    [['shout'], /create, read, list, delete are/],
    [['create'], /needs --storage-policy: none .* most-recent/],
    [['list', channel], /takes no channel/],
    [['read'], /needs the id of a channel/],
    [['delete'], /needs the id of a channel; channels list has them/],
    [['delete', channel, channel], /named twice/],
    [['delete', channel, 'a b'], /channel "a b" must not contain/],
  ])('refuses %j', (words, message) => expect(refusal(words)).toMatch(message));

  it('refuses a storage policy that is none, or that nobody asked for', () => {
    expect(refusal(['create'], { 'storage-policy': 'all' })).toMatch(/--storage-policy "all" is unknown/);
    expect(refusal(['create', channel], { 'storage-policy': 'none' })).toMatch(/Apple makes the id/);
    expect(refusal(['list'], { 'storage-policy': 'none' })).toMatch(/does not go with channels list/);
  });

  it('goes to Apple by environment, or to the endpoint for channels', () => {
    expect(channelsConfig(['list'], line, {}).gateway).toEqual({ kind: 'apple', environment: 'production' });
    expect(channelsConfig(['list'], { ...line, environment: 'sandbox' }, {}).gateway).toEqual({
      kind: 'apple',
      environment: 'sandbox',
    });
    const endpoint = 'https://127.0.0.1:2195';
    expect(
      channelsConfig(['list'], { ...line, 'channels-endpoint': endpoint }, { environment: 'sandbox' }).gateway,
    ).toEqual({
      kind: 'endpoint',
      endpoint,
    });
    expect(refusal(['list'], { 'channels-endpoint': endpoint, environment: 'sandbox' })).toMatch(/exclude each other/);
    expect(refusal(['list'], { 'channels-endpoint': 'http://127.0.0.1' })).toMatch(/--channels-endpoint is plain http/);
  });

  it('does not ask Apple when the configuration sends pushes elsewhere', () => {
    const file = { endpoint: 'https://127.0.0.1:8443' };
    expect(refusal(['list'], {}, file)).toMatch(/--channels-endpoint is missing beside it/);
    expect(refusal(['list'], { environment: 'sandbox' }, file)).toBe('accepted');
    expect(refusal(['list'], {}, { ...file, 'channels-endpoint': 'https://127.0.0.1:2195' })).toBe('accepted');
  });

  it('takes what it shares with send from the same file, and the credential of the command line first', () => {
    const file = {
      rate: '5',
      receipts: 'r.ndjson',
      cert: 'c.pem',
      'cert-key': 'k.pem',
      app: 'news',
      'give-up-after': '5',
    };
    expect(channelsConfig(['list'], line, file)).toMatchObject({
      app: 'news',
      giveUpAfterMs: 5000,
      credential: { kind: 'token', key: 'k.p8' },
    });
  });
});
