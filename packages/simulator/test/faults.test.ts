// Each kind of scripted fault, seen from a raw client: it does what it says, and `fired` counts it.
import { connect } from 'node:net';

import { describe, expect, it } from 'vitest';

import { startSimulator } from '../src/index.ts';
import type { FaultAction, FaultTrigger, FloodKind, Simulator } from '../src/index.ts';
import { goodToken, TestClient } from './test-client.ts';
import { until } from './until.ts';

const open = { streamsBeforeAuthentication: 1_000 };

function start(action: FaultAction, when: FaultTrigger = { on: 'request' }, id = 'fault'): Promise<Simulator> {
  return startSimulator({ http2: open, ledger: { kind: 'memory' }, faults: { faults: [{ id, when, action }] } });
}

async function expectFired(simulator: Simulator, times = 1): Promise<void> {
  expect(simulator.stats().fired).toEqual({ fault: times });
}

describe('a fault of the handshake', () => {
  it.each<[action: FaultAction, message: RegExp]>([
    [{ kind: 'handshake-reset' }, /ECONNRESET|socket disconnected/],
    [{ kind: 'handshake-close' }, /socket disconnected/],
    [{ kind: 'tls-alert', description: 42 }, /bad certificate/i],
    [{ kind: 'tls-alert', description: 44 }, /certificate revoked/i],
  ])('%o', async (action, message) => {
    await using simulator = await start(action, { on: 'accept' });
    await expect(TestClient.connect(simulator)).rejects.toThrow(message);
    await expectFired(simulator);
  });

  it('hangs: TCP is there and TLS never answers', async () => {
    await using simulator = await start({ kind: 'handshake-hang' }, { on: 'accept', connections: [1] });
    const socket = connect({ port: simulator.port, host: '127.0.0.1' });
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
    socket.write('hello');
    const second = await TestClient.connect(simulator); // only the first connection hangs
    expect((await second.answer(second.push())).status).toBe('200');
    expect(socket.bytesRead).toBe(0);
    socket.destroy();
    second.close();
    await expectFired(simulator);
  });
});

describe('a GOAWAY', () => {
  it('after the third reply: the rest is not processed, the served are answered, then the end', async () => {
    await using simulator = await start({ kind: 'goaway', reason: 'Shutdown' }, { on: 'reply', nth: 3 });
    const client = await TestClient.connect(simulator);
    client.socket.cork(); // all in one write: the gateway reads them at once
    const streams = Array.from({ length: 10 }, () => client.push());
    client.socket.uncork();
    expect(await client.until('goaway')).toEqual({
      kind: 'goaway',
      lastStreamId: streams[2],
      code: 0,
      debug: '{"reason":"Shutdown"}',
    });
    await client.untilClosed();
    const answered = client.frames.flatMap((frame) => (frame.kind === 'headers' ? [frame.streamId] : []));
    expect(answered).toEqual(streams.slice(0, 3));
    expect(simulator.ledger.map(({ stream }) => stream)).toEqual(answered);
    await expectFired(simulator);
  });

  it('with last stream 0 processes nothing more', async () => {
    await using simulator = await start({ kind: 'goaway', lastStreamId: 'zero', code: 11, debug: 'calm' });
    const client = await TestClient.connect(simulator);
    client.push();
    expect(await client.until('goaway')).toMatchObject({ lastStreamId: 0, code: 11, debug: 'calm' });
    await client.untilClosed();
    expect(simulator.ledger).toEqual([]);
  });

  it('in two steps: 2^31-1 first, the true id later, all streams in between are served', async () => {
    await using simulator = await start(
      { kind: 'goaway', lastStreamId: 'two-step', stepMs: 50 },
      { on: 'reply', nth: 1 },
    );
    const client = await TestClient.connect(simulator);
    client.push();
    expect((await client.until('goaway')).lastStreamId).toBe(0x7fffffff);
    const late = client.push();
    expect((await client.answer(late)).status).toBe('200');
    expect(await client.until('goaway', ({ lastStreamId }) => lastStreamId === late)).toBeDefined();
    await client.untilClosed();
  });

  it('whose second one is higher', async () => {
    await using simulator = await start({ kind: 'goaway', lastStreamId: 'higher-second' }, { on: 'reply', nth: 1 });
    const client = await TestClient.connect(simulator);
    client.push();
    await client.untilClosed();
    expect(client.frames.flatMap((frame) => (frame.kind === 'goaway' ? [frame.lastStreamId] : []))).toEqual([1, 1_001]);
  });

  it('instead of SETTINGS', async () => {
    await using simulator = await start(
      { kind: 'goaway', insteadOfSettings: true, reason: 'BadCertificate' },
      { on: 'start' },
    );
    const client = await TestClient.connect(simulator);
    await client.untilClosed();
    expect(client.frames[0]).toMatchObject({ kind: 'goaway', lastStreamId: 0 });
  });
});

describe('a fault of the connection', () => {
  it('no-settings: nothing is ever sent', async () => {
    await using simulator = await start({ kind: 'no-settings' }, { on: 'start' });
    const client = await TestClient.connect(simulator);
    await client.until('settings-ack'); // of the client's own, and nothing before it
    expect(client.frames).toEqual([{ kind: 'settings-ack' }]);
    client.close();
  });

  it('settings: steps are announced one after the other, and the limit holds at once', async () => {
    const steps = [
      { maxConcurrentStreams: 0, initialWindowSize: 0 },
      { afterMs: 300, maxConcurrentStreams: 100, headerTableSize: 0 },
    ];
    await using simulator = await start({ kind: 'settings', steps }, { on: 'start' });
    const client = await TestClient.connect(simulator);
    await client.until('settings', ({ values }) => values[4] === 0);
    const refused = client.openStream(
      [
        { name: ':method', value: 'POST' },
        { name: ':scheme', value: 'https' },
        { name: ':path', value: '/' },
      ],
      true,
    );
    expect(await client.until('rst')).toEqual({ kind: 'rst', streamId: refused, code: 7 });
    expect((await client.until('settings', ({ values }) => values[1] === 0)).values).toEqual({ 1: 0, 3: 100 });
    client.close();
  });

  it('silence: requests are taken, nothing comes back, not even a PING', async () => {
    await using simulator = await start({ kind: 'silence' }, { on: 'request', nth: 2 });
    const client = await TestClient.connect(simulator);
    expect((await client.answer(client.push())).status).toBe('200');
    const before = client.bytesReceived;
    client.push();
    await until('both pushes to arrive', () => simulator.ledger.length === 2);
    client.write(Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]));
    await until('the PING to arrive', () => simulator.stats().pingsReceived === 1);
    expect(client.bytesReceived).toBe(before);
    client.close();
  });

  it('stop-reading: requests wait, until it goes on', async () => {
    await using simulator = await start({ kind: 'stop-reading', forMs: 100 }, { on: 'reply', nth: 1 });
    const client = await TestClient.connect(simulator);
    await client.answer(client.push());
    const at = performance.now();
    await client.answer(client.push());
    expect(performance.now() - at).toBeGreaterThan(80);
    client.close();
  });

  it('tcp-reset', async () => {
    await using simulator = await start({ kind: 'tcp-reset' });
    const client = await TestClient.connect(simulator);
    client.push();
    await client.untilClosed();
    expect(client.closeError).toBe('ECONNRESET');
    await expectFired(simulator);
  });

  // Once it was reset from within the callback of the handshake, and Node died of that.
  it('tcp-reset on start: when the handshake is over', async () => {
    await using simulator = await start({ kind: 'tcp-reset' }, { on: 'start' });
    const client = await TestClient.connect(simulator);
    await client.untilClosed();
    expect(client.closeError).toBe('ECONNRESET');
    await expectFired(simulator);
  });

  it.each(['half-close', 'truncate', 'close'] as const)('%s: the client sees the end, not a reset', async (kind) => {
    await using simulator = await start({ kind });
    const client = await TestClient.connect(simulator);
    const ended = new Promise((resolve) => client.socket.once('end', resolve));
    client.push();
    await ended;
    client.close();
    expect(client.closeError).toBeNull();
  });

  it('segments: everything comes in TLS records of one octet', async () => {
    await using simulator = await start({ kind: 'segments' }, { on: 'start' });
    const client = await TestClient.connect(simulator);
    expect((await client.answer(client.push())).status).toBe('200');
    // The first SETTINGS are out before; every octet after them is alone.
    expect(client.chunkLengths.filter((length) => length === 1).length).toBeGreaterThan(50);
    client.close();
  });

  it.each([
    ['none', undefined],
    ['late', 'carillon'],
    ['wrong', '\xff'.repeat(8)],
  ] as const)('ping-answers: %s', async (how, payload) => {
    await using simulator = await start({ kind: 'ping-answers', how, delayMs: 50 }, { on: 'start' });
    const client = await TestClient.connect(simulator);
    const at = performance.now();
    client.write(Buffer.concat([Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0]), Buffer.from('carillon')]));
    if (payload === undefined) {
      await client.answer(client.push()); // answered after the PING was read
      expect(client.frames.some(({ kind }) => kind === 'ping')).toBe(false);
    } else {
      expect(await client.until('ping')).toEqual({ kind: 'ping', isAck: true, payload });
      if (how === 'late') expect(performance.now() - at).toBeGreaterThan(40);
    }
    client.close();
  });

  it('hold-windows: no WINDOW_UPDATE after the first', async () => {
    await using simulator = await start({ kind: 'hold-windows' }, { on: 'start' });
    const client = await TestClient.connect(simulator);
    for (let k = 0; k < 20; k++) await client.answer(client.push({}, 'x'.repeat(4_096)));
    expect(client.frames.filter(({ kind }) => kind === 'window-update')).toHaveLength(1);
    client.close();
  });

  it('odd frames that must be ignored: unknown frame, unknown setting, PRIORITY, PING, raw octets', async () => {
    const actions: FaultAction[] = [
      { kind: 'unknown-frame', type: 0xfe, bytes: 3 },
      { kind: 'unknown-setting' },
      { kind: 'priority' },
      { kind: 'ping' },
      { kind: 'raw', hex: '000000 f0 00 00000000' },
    ];
    await using simulator = await startSimulator({
      http2: open,
      faults: { faults: actions.map((action) => ({ when: { on: 'request' }, action })) },
    });
    const client = await TestClient.connect(simulator);
    expect((await client.answer(client.push())).status).toBe('200');
    const kinds = client.frames.map((frame) => (frame.kind === 'unknown' ? `unknown ${frame.type}` : frame.kind));
    expect(kinds).toEqual(expect.arrayContaining(['unknown 254', 'priority', 'ping', 'unknown 240']));
    expect(client.frames.some((frame) => frame.kind === 'settings' && frame.values[0x0a0a] === 1)).toBe(true);
    expect(Object.values(simulator.stats().fired)).toEqual([1, 1, 1, 1, 1]);
    client.close();
  });

  it.each([
    ['idle', 1_001],
    ['even', 2],
  ] as const)('stray-reply on an %s stream', async (stream, streamId) => {
    await using simulator = await start({ kind: 'stray-reply', stream });
    const client = await TestClient.connect(simulator);
    client.push();
    expect(await client.until('headers', (frame) => frame.streamId === streamId)).toMatchObject({ isEnd: true });
    client.close();
  });

  it('fires by time, by octets and by command', async () => {
    await using simulator = await startSimulator({
      http2: open,
      faults: {
        faults: [
          { id: 'time', when: { on: 'time', afterMs: 30 }, action: { kind: 'ping' } },
          { id: 'byte', when: { on: 'byte', nth: 200 }, action: { kind: 'priority' } },
          { id: 'command', when: { on: 'command' }, action: { kind: 'close' } },
        ],
      },
    });
    const client = await TestClient.connect(simulator);
    await client.until('ping');
    expect(simulator.stats().fired).toEqual({ time: 1, byte: 0, command: 0 });
    await client.answer(client.push());
    await client.until('priority');
    simulator.fire('command');
    await client.untilClosed();
    expect(simulator.stats().fired).toEqual({ time: 1, byte: 1, command: 1 });
  });
});

describe('a fault of one reply', () => {
  it('rst: the push was taken; with REFUSED_STREAM it was not', async () => {
    await using simulator = await startSimulator({
      http2: open,
      ledger: { kind: 'memory' },
      faults: {
        faults: [
          { id: 'internal', when: { on: 'request', nth: 1 }, action: { kind: 'rst' } },
          { id: 'refused', when: { on: 'request', nth: 2 }, action: { kind: 'rst', code: 7, again: 5 } },
          { id: 'late', when: { on: 'request', nth: 3 }, action: { kind: 'rst', code: 8, afterHeaders: true } },
        ],
      },
    });
    const client = await TestClient.connect(simulator);
    const [internal, refused, late] = [client.push(), client.push(), client.push()];
    await client.until('rst', ({ streamId }) => streamId === late);
    expect(client.frames.flatMap((frame) => (frame.kind === 'rst' ? [[frame.streamId, frame.code]] : []))).toEqual([
      [internal, 2],
      [refused, 7],
      [refused, 5],
      [late, 8],
    ]);
    expect(client.frames.some((frame) => frame.kind === 'headers' && frame.streamId === late && !frame.isEnd)).toBe(
      true,
    );
    expect(simulator.ledger.map(({ stream, status }) => [stream, status])).toEqual([
      [internal, null],
      [late, null],
    ]);
    client.close();
  });

  it('every tenth: a tenth of all, spread over connections when counted so', async () => {
    await using simulator = await start(
      { kind: 'status', status: 503, reason: 'ServiceUnavailable', retryAfter: '1' },
      { on: 'request', every: 10, inAll: true },
    );
    const statuses: string[] = [];
    for (let connection = 0; connection < 2; connection++) {
      const client = await TestClient.connect(simulator);
      for (let k = 0; k < 15; k++) {
        const answer = await client.answer(client.push());
        statuses.push(answer.status);
        if (answer.status === '503')
          expect(answer).toMatchObject({ body: '{"reason":"ServiceUnavailable"}', fields: { 'retry-after': '1' } });
      }
      client.close();
    }
    expect(statuses.flatMap((status, k) => (status === '503' ? [k + 1] : []))).toEqual([10, 20, 30]);
    await expectFired(simulator, 3);
  });

  it('only for tokens that begin so, and only so often', async () => {
    await using simulator = await start({ kind: 'status', status: 500 }, { on: 'request', token: 'cd', times: 1 });
    const client = await TestClient.connect(simulator);
    const to = (token: string): Promise<{ status: string }> =>
      client.answer(client.push({ ':path': `/3/device/${token}` }));
    expect((await to(goodToken)).status).toBe('200');
    expect((await to('cd'.repeat(32))).status).toBe('500');
    expect((await to('cd'.repeat(32))).status).toBe('200');
    client.close();
  });

  it('no-answer and delay', async () => {
    await using simulator = await startSimulator({
      http2: open,
      ledger: { kind: 'memory' },
      faults: {
        faults: [
          { when: { on: 'request', nth: 1 }, action: { kind: 'no-answer' } },
          { when: { on: 'request', nth: 2 }, action: { kind: 'delay', delayMs: 60 } },
        ],
      },
    });
    const client = await TestClient.connect(simulator);
    const at = performance.now();
    const [unanswered, delayed] = [client.push(), client.push()];
    expect((await client.answer(delayed)).status).toBe('200');
    expect(performance.now() - at).toBeGreaterThan(50);
    expect(client.frames.some((frame) => frame.kind === 'headers' && frame.streamId === unanswered)).toBe(false);
    expect(simulator.ledger.map(({ status }) => status)).toEqual([null, 200]);
    client.close();
  });

  it('bodies: split, one megabyte, a lie about gzip', async () => {
    const statuses: FaultAction[] = [
      { kind: 'split-body', bytes: 3 },
      { kind: 'status', status: 500, bodyBytes: 1_000_000 },
      { kind: 'status', status: 500, bodyBytes: 10, claimsGzip: true },
    ];
    await using simulator = await startSimulator({
      http2: open,
      rules: { unknownTokens: 'bad' },
      faults: { faults: statuses.map((action, k) => ({ when: { on: 'request', nth: k + 1 }, action })) },
    });
    const client = await TestClient.connect(simulator, { settings: [[4, 2_000_000]] });
    client.write(Buffer.from([0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0x20, 0, 0])); // WINDOW_UPDATE 2 MiB
    const split = client.push();
    expect((await client.answer(split)).body).toBe('{"reason":"BadDeviceToken"}');
    expect(client.frames.filter((frame) => frame.kind === 'data' && frame.streamId === split)).toHaveLength(9);
    expect((await client.answer(client.push())).body).toHaveLength(1_000_000);
    expect((await client.answer(client.push())).fields).toMatchObject({ 'content-encoding': 'gzip' });
    client.close();
  });

  it('waits for the client’s window with a large body, and goes on when it grows', async () => {
    await using simulator = await start({ kind: 'status', status: 500, bodyBytes: 100_000 });
    const client = await TestClient.connect(simulator);
    const stream = client.push();
    const received = (): number =>
      client.frames.reduce((sum, frame) => sum + (frame.kind === 'data' ? frame.body.length : 0), 0);
    await client.untilTrue('a full window', () => received() === 65_535);
    client.write(Buffer.from([0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 1, 0, 0]));
    client.write(Buffer.from([0, 0, 4, 8, 0, 0, 0, 0, stream, 0, 1, 0, 0]));
    expect((await client.answer(stream)).body).toHaveLength(100_000);
    client.close();
  });

  it('shapes of the header: CONTINUATION, 1xx, trailers, no apns-id', async () => {
    const actions: FaultAction[] = [
      { kind: 'continuation', pieces: 4 },
      { kind: 'interim', status: 103, count: 2 },
      { kind: 'trailers' },
      { kind: 'no-apns-id' },
    ];
    await using simulator = await startSimulator({
      http2: open,
      faults: { faults: actions.map((action, k) => ({ when: { on: 'request', nth: k + 1 }, action })) },
    });
    const client = await TestClient.connect(simulator);
    const [pieces, interim, trailers, bare] = actions.map(() => client.push());
    for (const stream of [pieces, interim, trailers, bare]) expect((await client.answer(stream)).status).toBe('200');
    const headersOf = (streamId: number): object[] =>
      client.frames.filter((frame) => frame.kind === 'headers' && frame.streamId === streamId);
    expect(headersOf(pieces)).toMatchObject([{ pieces: 4, isEnd: true }]);
    expect(headersOf(interim)).toMatchObject([
      { fields: { ':status': '103' } },
      { fields: { ':status': '103' } },
      { fields: { ':status': '200' } },
    ]);
    expect(headersOf(trailers)).toMatchObject([{ isEnd: false }, { isEnd: true, fields: { 'x-trailer': 'last' } }]);
    expect(headersOf(bare)).toEqual([expect.objectContaining({ fields: { ':status': '200' } })]);
    client.close();
  });

  it.each([
    ['no-status', (fields: object) => !(':status' in fields)],
    ['two-statuses', (fields: Readonly<Record<string, string>>) => fields[':status'] === '200, 200'],
    ['bad-status', (fields: Readonly<Record<string, string>>) => fields[':status'] === 'ok'],
    ['upper-case', (fields: object) => 'Apns-Id' in fields],
    [
      'pseudo-after-regular',
      (fields: object) => Object.keys(fields).at(-1) === ':status' && Object.keys(fields).length > 1,
    ],
    ['unknown-pseudo', (fields: object) => ':weather' in fields],
    ['connection-field', (fields: object) => 'transfer-encoding' in fields],
    ['content-length', (fields: Readonly<Record<string, string>>) => fields['content-length'] === '17'],
  ] as const)('malformed: %s', async (how, isMalformed) => {
    await using simulator = await start({ kind: 'malformed', how });
    const client = await TestClient.connect(simulator);
    const stream = client.push();
    const { fields } = await client.until('headers', ({ streamId }) => streamId === stream);
    expect(isMalformed(fields), JSON.stringify(fields)).toBe(true);
    client.close();
  });

  it('malformed: DATA before HEADERS, a broken field block, a frame that is too long, a push', async () => {
    const actions: FaultAction[] = [
      { kind: 'malformed', how: 'data-first' },
      { kind: 'oversized-data' },
      { kind: 'push-promise' },
      { kind: 'malformed', how: 'bad-hpack' },
    ];
    await using simulator = await startSimulator({
      http2: open,
      faults: { faults: actions.map((action, k) => ({ when: { on: 'request', nth: k + 1 }, action })) },
    });
    const client = await TestClient.connect(simulator);
    const [first, long, push] = [client.push(), client.push(), client.push(), client.push()];
    await client.until('fault');
    expect(client.frames.some((frame) => frame.kind === 'data' && frame.streamId === first)).toBe(true);
    expect(
      client.frames.some((frame) => frame.kind === 'data' && frame.streamId === long && frame.body.length === 16_385),
    ).toBe(true);
    expect(client.frames.some((frame) => frame.kind === 'push-promise' && frame.streamId === push)).toBe(true);
    client.close();
  });
});

describe('a flood', () => {
  const seen: Readonly<Record<FloodKind, string>> = {
    ping: 'ping',
    settings: 'settings',
    'settings-ack': 'settings-ack',
    rst: 'rst',
    'window-update': 'window-update',
    priority: 'priority',
    unknown: 'unknown',
    'empty-data': 'data',
    dribble: 'data',
    continuation: '',
    'hpack-bomb': 'fault',
    'tiny-headers': 'fault',
    'empty-headers': 'fault',
    'push-promise': 'push-promise',
  };

  it.each(Object.entries(seen))('of %s', async (of, kind) => {
    const count = kind === 'fault' ? 1 : 5_000;
    await using simulator = await start({ kind: 'flood', of: of as FloodKind, count }); // the key of the table above
    const client = await TestClient.connect(simulator);
    client.push();
    if (of === 'continuation') await client.untilTrue('the flood', () => client.bytesReceived > count * 9);
    else
      await client.untilTrue(
        `${count} ${kind}`,
        () => client.frames.filter((frame) => frame.kind === kind).length >= count,
      );
    client.close();
    await expectFired(simulator);
  });

  it('of a million frames goes at the pace of its reader and ends when the reader has enough', async () => {
    await using simulator = await start({ kind: 'flood', of: 'ping' });
    const client = await TestClient.connect(simulator);
    client.push();
    await client.untilTrue('a part of it', () => client.bytesReceived > 500_000);
    const before = process.memoryUsage().rss;
    client.close();
    await until('the end of the connection', () => simulator.stats().connectionsOpen === 0);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1_048_576);
  });
});
