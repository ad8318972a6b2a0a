// What a reply may look like, and what becomes of one that may not (reliability.md N20, N21; RFC 9113 §8).
import { describe, expect, it } from 'vitest';
import { ErrorCode, ScriptedPeer } from './scripted-peer.ts';

type Fields = [name: string, value: string][];

const fieldList = (fields: Fields) => fields.map(([name, value]) => ({ name, value, indexing: 'without' as const }));

describe('Session and replies', () => {
  it('N20: skips interim replies', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.headers(1, { ':status': 100 });
    peer.headers(1, { ':status': 103, link: '</style.css>' });
    peer.expectTold();
    peer.reply(1);
    peer.expectTold({ event: 'reply', status: 200 });
    expect(peer.session.counters.interimReplies).toBe(2);
  });

  it('keeps a body of a megabyte when it may, frame by frame', () => {
    const peer = ScriptedPeer.connected({ bodyBytesMax: 1_000_000, bodyBytesCancel: 1_000_000 });
    for (const id of [1, 3]) {
      peer.open('');
      peer.headers(id, { ':status': 200 });
      for (let sent = 0; sent < 1_000_000; sent += 10_000) {
        peer.data(id, 'x'.repeat(10_000), { isEnd: sent === 990_000 });
      }
      peer.expectTold({ event: 'reply', status: 200, body: 'x'.repeat(1_000_000), isBodyTruncated: false });
    }
  });

  it('N20: accepts trailers, and nothing of them', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.headers(1, { ':status': 200, 'apns-id': 'HEAD' });
    peer.data(1, 'body');
    peer.headers(1, { 'apns-id': 'TRAILER', 'x-checksum': '1' }, { isEnd: true });
    peer.expectTold({ event: 'reply', status: 200, body: 'body', apnsId: 'HEAD' });
  });

  it('N20: accepts trailers without a body', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.headers(1, { ':status': 200 });
    peer.headers(1, { 'x-checksum': '1' }, { isEnd: true });
    peer.expectTold({ event: 'reply', status: 200, body: '' });
  });

  const malformed: [name: string, fields: Fields][] = [
    ['no :status', [['apns-id', 'x']]],
    ['no field at all', []],
    [
      'two :status',
      [
        [':status', '200'],
        [':status', '200'],
      ],
    ],
    ['a :status that is not a number', [[':status', 'ok!']]],
    ['a :status of two digits', [[':status', '20']]],
    ['a :status below 100', [[':status', '099']]],
    ['an empty :status', [[':status', '']]],
    [
      ':status after a regular field',
      [
        ['apns-id', 'x'],
        [':status', '200'],
      ],
    ],
    [
      'a pseudo-field of requests',
      [
        [':status', '200'],
        [':path', '/'],
      ],
    ],
    [
      'a pseudo-field that nobody knows',
      [
        [':status', '200'],
        [':statue', '200'],
      ],
    ],
    [
      'an upper-case name',
      [
        [':status', '200'],
        ['Apns-Id', 'x'],
      ],
    ],
    [
      'a name with a space',
      [
        [':status', '200'],
        ['apns id', 'x'],
      ],
    ],
    [
      'a name with a colon',
      [
        [':status', '200'],
        ['apns:id', 'x'],
      ],
    ],
    [
      'a name beyond ASCII',
      [
        [':status', '200'],
        ['apns-\u00e9', 'x'],
      ],
    ],
    [
      'a value with LF',
      [
        [':status', '200'],
        ['apns-id', 'a\nb'],
      ],
    ],
    [
      'a value with CR',
      [
        [':status', '200'],
        ['apns-id', 'a\rb'],
      ],
    ],
    [
      'a value with NUL',
      [
        [':status', '200'],
        ['x-any', 'a\0b'],
      ],
    ],
    [
      'a value with a leading space',
      [
        [':status', '200'],
        ['apns-id', ' a'],
      ],
    ],
    [
      'a value with a trailing tab',
      [
        [':status', '200'],
        ['apns-id', 'a\t'],
      ],
    ],
    [
      'connection',
      [
        [':status', '200'],
        ['connection', 'close'],
      ],
    ],
    [
      'transfer-encoding',
      [
        [':status', '200'],
        ['transfer-encoding', 'chunked'],
      ],
    ],
    [
      'keep-alive',
      [
        [':status', '200'],
        ['keep-alive', '1'],
      ],
    ],
    [
      'upgrade',
      [
        [':status', '200'],
        ['upgrade', 'h3'],
      ],
    ],
    [
      'proxy-connection',
      [
        [':status', '200'],
        ['proxy-connection', 'x'],
      ],
    ],
    [
      'te',
      [
        [':status', '200'],
        ['te', 'trailers'],
      ],
    ],
    [
      'a content-length that is no number',
      [
        [':status', '200'],
        ['content-length', '1e3'],
      ],
    ],
    [
      'a content-length beyond all measure',
      [
        [':status', '200'],
        ['content-length', '9'.repeat(30)],
      ],
    ],
    [
      'two content-lengths',
      [
        [':status', '200'],
        ['content-length', '1'],
        ['content-length', '2'],
      ],
    ],
    [
      'a content-length and no body',
      [
        [':status', '200'],
        ['content-length', '5'],
      ],
    ],
    ['an interim status as the end', [[':status', '100']]],
    ['101', [[':status', '101']]],
  ];

  it.each(malformed)('N20: resets the stream on a malformed head: %s', (_name, fields) => {
    const peer = ScriptedPeer.connected();
    peer.openMany(2);
    peer.takeFrames();
    peer.headers(1, fieldList(fields), { isEnd: true });
    peer.expectTold({
      event: 'failure',
      tag: 101,
      kind: 'malformed',
      processed: 'unknown',
      errorCode: ErrorCode.protocolError,
    });
    peer.expectFrames({ type: 'rst-stream', id: 1, code: ErrorCode.protocolError });
    // The others go on.
    peer.reply(3);
    peer.expectTold({ event: 'reply', tag: 102 });
  });

  it.each([
    ['a pseudo-field', (peer: ScriptedPeer) => peer.headers(1, { ':status': 200 }, { isEnd: true })],
    ['a bad name', (peer: ScriptedPeer) => peer.headers(1, fieldList([['X', 'x']]), { isEnd: true })],
    ['no END_STREAM', (peer: ScriptedPeer) => peer.headers(1, { 'x-checksum': '1' })],
  ])('N20: resets the stream on trailers with %s', (_name, trailers) => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.headers(1, { ':status': 400 });
    trailers(peer);
    peer.expectTold({ event: 'failure', kind: 'malformed' });
  });

  it('resets a stream whose body comes before its head', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.takeFrames();
    peer.data(1, 'x', { isEnd: true });
    peer.expectTold({ event: 'failure', kind: 'malformed' });
    peer.expectFrames({ type: 'rst-stream', id: 1, code: ErrorCode.protocolError });
  });

  it.each([
    ['more', '1234', ['12345']],
    ['less', '6', ['123', '45']],
  ])('resets a stream when %s comes than content-length says', (_name, announced, pieces) => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.headers(1, { ':status': 400, 'content-length': announced });
    for (const [index, piece] of pieces.entries()) peer.data(1, piece, { isEnd: index === pieces.length - 1 });
    peer.expectTold({ event: 'failure', kind: 'malformed', message: `content-length ${announced}, but 5 octets came` });
  });

  it('takes content-length for what it says, and lets 304 have one without a body', () => {
    const peer = ScriptedPeer.connected();
    peer.openMany(2);
    peer.headers(1, { ':status': 400, 'content-length': 5 });
    peer.data(1, '12');
    peer.data(1, '345', { isEnd: true });
    peer.headers(3, { ':status': 304, 'content-length': 5 }, { isEnd: true });
    peer.expectTold({ event: 'reply', status: 400, body: '12345' }, { event: 'reply', status: 304 });
  });

  it('buffers a body until END_STREAM, also when that comes in an empty frame', () => {
    // apns-protocol.md A.6: pushy drops the first part, aioapns parses each frame by itself.
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.headers(1, { ':status': 400 });
    for (const piece of ['{"rea', 'son":"Bad', 'Topic"}']) peer.data(1, piece);
    peer.expectTold();
    peer.data(1, '', { isEnd: true });
    peer.expectTold({ event: 'reply', status: 400, body: '{"reason":"BadTopic"}' });
  });

  it('keeps apart the bodies of replies that come interleaved', () => {
    const peer = ScriptedPeer.connected();
    const ids = peer.openMany(50);
    for (const id of ids) peer.headers(id, { ':status': 400, 'apns-id': `id-${id}` });
    for (const id of ids) peer.data(id, `${id}:`);
    for (const id of ids) peer.data(id, 'end', { isEnd: true });
    expect(peer.takeTold()).toEqual(
      ids.map((id, index) => ({
        event: 'reply',
        tag: 101 + index,
        status: 400,
        body: `${id}:end`,
        isBodyTruncated: false,
        apnsId: `id-${id}`,
      })),
    );
  });

  it.each([
    ['empty', ''],
    ['not JSON', '<html>'],
    ['gzip', Buffer.from('1f8b08000000000000ff', 'hex')],
  ])('N21: delivers a body that is %s as it came', (_name, body) => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.headers(1, { ':status': 503, 'content-encoding': 'gzip' });
    peer.data(1, body, { isEnd: true });
    peer.expectTold({ event: 'reply', status: 503, body: Buffer.from(body).toString(), isBodyTruncated: false });
  });

  it('N21: keeps the status and 4 KiB of a body of 1 MB, and cuts the rest off', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.takeFrames();
    peer.headers(1, { ':status': 500, 'content-length': 1_000_000 });
    for (let sent = 0; sent < 60; sent += 1) peer.data(1, 'x'.repeat(16_384));
    peer.expectTold({ event: 'reply', status: 500, body: 'x'.repeat(4_096), isBodyTruncated: true });
    expect(peer.takeFrames()).toContainEqual({ type: 'rst-stream', id: 1, code: ErrorCode.cancel });
    expect(peer.session.counters).toMatchObject({ bodiesTruncated: 1, resetsSent: 1, strayFrames: 55 });
  });

  it('keeps the fields that were asked for, whatever their encoding, and no others', () => {
    let seen: (string | null)[] = [];
    const peer = ScriptedPeer.connected({
      replyHeaders: ['retry-after', 'x-own'],
      handlers: {
        onReply: (_tag, reply) => {
          seen = ['retry-after', 'x-own', 'apns-id', 'x-absent'].map((name) => reply.header(name));
        },
      },
    });
    peer.openMany(3);
    const fields = { ':status': 429, 'retry-after': '120', 'x-own': 'valüe', 'apns-id': 'dropped' };
    peer.headers(1, fields, { isEnd: true });
    expect(seen).toEqual(['120', 'valüe', null, null]);
    // From the dynamic table now, and with a body.
    peer.headers(3, fields);
    peer.data(3, '{}', { isEnd: true });
    expect(seen).toEqual(['120', 'valüe', null, null]);
    // A value of more than 256 octets is none that anybody waits for; of two, the first counts.
    peer.headers(
      5,
      fieldList([
        [':status', '429'],
        ['x-own', 'y'.repeat(257)],
        ['retry-after', '1'],
        ['retry-after', '2'],
      ]),
      { isEnd: true },
    );
    expect(seen).toEqual(['1', null, null, null]);
  });

  it('measures the time from open to the last chunk', () => {
    const latencies: number[] = [];
    const peer = ScriptedPeer.connected({ handlers: { onReply: (_tag, reply) => latencies.push(reply.latencyMs) } });
    peer.open();
    peer.now += 30;
    peer.headers(1, { ':status': 400 });
    peer.now += 12;
    peer.data(1, '{}', { isEnd: true });
    expect(latencies).toEqual([42]);
  });

  it('resets a stream whose field list is too large, and stays in step with the tables', () => {
    const peer = ScriptedPeer.connected();
    peer.openMany(2);
    peer.takeFrames();
    const fields: Fields = [
      [':status', '200'],
      ...Array.from({ length: 80 }, (_, index): [string, string] => [`x-${index}`, 'y'.repeat(40)]),
    ];
    peer.headers(
      1,
      fields.map(([name, value]) => ({ name, value })),
      { isEnd: true },
    );
    peer.expectTold({ event: 'failure', kind: 'malformed', errorCode: ErrorCode.enhanceYourCalm });
    peer.headers(3, { ':status': 200, 'apns-id': 'x', 'x-79': 'y'.repeat(40) }, { isEnd: true });
    peer.expectTold({ event: 'reply', tag: 102, status: 200, apnsId: 'x' });
  });

  it('closes with COMPRESSION_ERROR when the tables cannot agree any more', () => {
    const peer = ScriptedPeer.connected();
    peer.open();
    peer.raw(1, 0x5, 1, Buffer.from('88ff80', 'hex'));
    peer.expectConnectionError(ErrorCode.compressionError);
  });
});
