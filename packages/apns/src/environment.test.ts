import { describe, expect, it } from 'vitest';
import { isFault } from './fault.ts';
import { endpoints, parseEndpoint, parseEnvironment } from './environment.ts';

describe('parseEndpoint', () => {
  it.each([
    ['https://api.push.apple.com', endpoints.production],
    ['https://api.push.apple.com:443/', endpoints.production],
    [
      'https://api.push.apple.com:2197',
      { host: 'api.push.apple.com', port: 2197, authority: 'api.push.apple.com:2197' },
    ],
    ['https://127.0.0.1:8443', { host: '127.0.0.1', port: 8443, authority: '127.0.0.1:8443' }],
    ['https://[::1]:8443', { host: '::1', port: 8443, authority: '[::1]:8443' }],
    ['HTTPS://LocalHost:8443', { host: 'localhost', port: 8443, authority: 'localhost:8443' }],
  ])('reads %s', (text, expected) => expect(parseEndpoint(text)).toEqual(expected));

  it.each([
    '',
    'api.push.apple.com',
    'http://127.0.0.1:8443',
    'https://127.0.0.1:8443/3/device',
    'https://127.0.0.1:8443?x',
    'https://127.0.0.1:8443#x',
    'https://127.0.0.1:0',
    'https://"',
    'https://127.0.0.1\n:8443',
    'https://127.0.0.1:99999',
    'https://',
    `https://${'a'.repeat(400)}`,
  ])('refuses %j', (text) => {
    expect(parseEndpoint(text)).toMatchObject({ kind: 'fault', code: 'local.bad-endpoint', field: 'endpoint' });
  });

  it('does not repeat a password', () => {
    const parsed = parseEndpoint('https://me:hunter2@127.0.0.1:8443');
    expect(isFault(parsed) && parsed.message).not.toContain('hunter2');
  });
});

describe('parseEnvironment', () => {
  it('knows the two there are', () => {
    expect(parseEnvironment('production')).toBe('production');
    expect(parseEnvironment('sandbox')).toBe('sandbox');
    expect(parseEnvironment('development')).toMatchObject({ code: 'local.bad-environment' });
  });
});
