import { describe, expect, it } from 'vitest';
import { parseProxy } from './proxy.ts';

describe('A proxy as text', () => {
  it.each([
    ['http://proxy.example:3128', { kind: 'http', host: 'proxy.example', port: 3128 }],
    ['http://proxy.example', { kind: 'http', host: 'proxy.example', port: 80 }],
    ['http://proxy.example/', { kind: 'http', host: 'proxy.example', port: 80 }],
    ['socks5://proxy.example', { kind: 'socks5', host: 'proxy.example', port: 1080 }],
    ['socks5h://192.0.2.1:9050', { kind: 'socks5', host: '192.0.2.1', port: 9050 }],
    ['http://[2001:db8::1]:8080', { kind: 'http', host: '2001:db8::1', port: 8080 }],
    [
      'socks5://me:pa%3Ass%40@proxy.example',
      { kind: 'socks5', host: 'proxy.example', port: 1080, username: 'me', password: 'pa:ss@' },
    ],
    ['http://me@proxy.example', { kind: 'http', host: 'proxy.example', port: 80, username: 'me' }],
  ])('reads %s', (text, proxy) => {
    expect(parseProxy(text)).toEqual(proxy);
  });

  it.each([
    ['', 'not a URL'],
    ['me:hunter2@proxy.example:3128', 'the proxy speaks me;'],
    ['proxy.example:3128', 'the proxy speaks proxy.example;'],
    ['https://me:hunter2@proxy.example', 'speaks https'],
    ['socks4://me:hunter2@proxy.example', 'speaks socks4'],
    ['http://me:hunter2@proxy.example/path', 'has a path'],
    ['http://me:hunter2@proxy.example/?q', 'has a path'],
    ['http://me:hunter2%ZZ@proxy.example', 'percent-encoded'],
    ['http://me:hunter2@proxy.example:99999', 'not a URL'],
    ['socks5://', 'names no host'],
  ])('refuses %s, and shows no credential', (text, why) => {
    let message = '';
    try {
      parseProxy(text);
    } catch (error) {
      expect(error).toBeInstanceOf(TypeError);
      message = String(error);
    }
    expect(message).toContain(why);
    expect(message).not.toContain('hunter2');
  });
});
