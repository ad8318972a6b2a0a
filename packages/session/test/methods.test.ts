// The method of a request is a field of its template like any other: the session writes what it is given.
import { HeaderTemplate } from '@carillon/frames';
import { describe, expect, it } from 'vitest';
import { ScriptedPeer } from './scripted-peer.ts';

describe('Session and the method of a request', () => {
  it('opens GET and DELETE without a body, among requests that have one, and reads their answers', () => {
    const peer = ScriptedPeer.connected();
    const { encoder } = peer.session;
    const templateOf = (method: string): HeaderTemplate =>
      new HeaderTemplate(encoder, [
        { name: ':method', value: method },
        { name: ':scheme', value: 'https' },
        { name: ':path', value: '/1/apps/com.example.app/channels', indexing: 'without' },
        { name: ':authority', value: 'gateway.example:2196' },
        { name: 'apns-channel-id', slot: 0, indexing: 'name' },
      ]);
    const channel = Buffer.from('dHN0LXNyY2g=');
    for (const [tag, method] of ['GET', 'DELETE', 'GET'].entries()) {
      const { session, now } = peer;
      const id = session.open(templateOf(method), channel, Int32Array.of(0, 12), 0, 12, 12, tag, now);
      peer.expectFrames({
        type: 'headers',
        id,
        isEnd: true,
        fields: {
          ':method': method,
          ':scheme': 'https',
          ':path': '/1/apps/com.example.app/channels',
          ':authority': 'gateway.example:2196',
          'apns-channel-id': 'dHN0LXNyY2g=',
        },
      });
    }
    expect(peer.open('{}')).toBe(7);
    expect(peer.session.connectionWindow).toBe(65_535 - 2);
    peer.reply(1, 200, '{"message-storage-policy":1}');
    peer.headers(3, { ':status': 204 }, { isEnd: true });
    peer.rstStream(5, 7);
    peer.expectTold(
      { event: 'reply', tag: 0, status: 200, body: '{"message-storage-policy":1}' },
      { event: 'reply', tag: 1, status: 204, body: '' },
      { event: 'failure', tag: 2, kind: 'refused', processed: 'no' },
    );
  });
});
