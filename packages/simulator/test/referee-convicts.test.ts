// Sabotaged clients: each breaks one rule of conduct over a real connection, and the referee names that rule and no other.
import { connect as connectTcp } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import { encodeFrameHeader, encodePing, encodePriority } from '@carillon/frames';
import { describe, expect, it } from 'vitest';

import type { ProviderKey } from '../src/index.ts';
import { createIdentity, formatRefereeReport } from '../src/index.ts';
import { providerToken } from './provider-token.ts';
import { apnsIdOf, JudgedClient, pathOf } from './referee-client.ts';
import { goodToken } from './test-client.ts';

const dead = pathOf(0xdead).slice('/3/device/'.length);

/** TCP only: resolves when the gateway has ended it. */
async function dialInVain(port: number): Promise<void> {
  const socket = connectTcp(port, '127.0.0.1');
  await new Promise<void>((resolve) => {
    socket.on('error', () => {}); // a reset: expected
    socket.once('close', () => resolve());
  });
}

const refusesHandshakes = { faults: [{ when: { on: 'accept' }, action: { kind: 'handshake-reset' } }] } as const;

describe('The referee', () => {
  describe('convicts by connections-steady', () => {
    it('a client that opens a connection for each push', async () => {
      await using judged = await JudgedClient.start();
      for (let push = 0; push < 20; push += 1) {
        const client = await judged.dial();
        await judged.pushed(client);
        client.close();
        await client.untilClosed();
      }
      await expect.poll(() => Object.keys(judged.violations)).toEqual(['connections-steady']);
      expect(formatRefereeReport(judged.report)).toContain('more than 16 connections given up within 10000 ms');
    });

    it('a client that opens ever more connections', async () => {
      await using judged = await JudgedClient.start();
      for (let dial = 0; dial < 62; dial += 1) await judged.dial();
      expect(judged.violations).toEqual({ 'connections-steady': 2 });
    });

    it('a client that storms a gateway which serves nobody', async () => {
      await using judged = await JudgedClient.start({ faults: refusesHandshakes });
      for (let dial = 0; dial < 40; dial += 1) await dialInVain(judged.simulator.port);
      expect(Object.keys(judged.violations)).toEqual(['connections-steady']);
      expect(formatRefereeReport(judged.report)).toContain('dials in 10000 ms while none was served');
    });

    it('a client whose pauses are all alike', async () => {
      await using judged = await JudgedClient.start({ faults: refusesHandshakes });
      const isCaught = (): boolean => formatRefereeReport(judged.report).includes('no jitter');
      // A busy machine blurs pauses: eight in a row have to look alike.
      for (let dial = 0; dial < 50 && !isCaught(); dial += 1) {
        await dialInVain(judged.simulator.port);
        await pause(100);
      }
      expect(isCaught()).toBe(true);
      expect(Object.keys(judged.violations)).toEqual(['connections-steady']);
    });
  });

  describe('convicts by streams-within-limit', () => {
    it('a client that opens three streams before its first reply', async () => {
      const tokens = { [goodToken]: { kind: 'ok', delayMs: 200 } } as const;
      await using judged = await JudgedClient.start({ rules: { tokens } });
      const client = await judged.dial();
      const streams = [judged.push(client), judged.push(client), judged.push(client)];
      await client.answer(streams[0]);
      expect(judged.violations).toEqual({ 'streams-within-limit': 2 });
    });

    it('a client that goes on as before when the limit falls', async () => {
      const tokens = { [dead]: { kind: 'bad' }, [goodToken]: { kind: 'ok', delayMs: 200 } } as const;
      await using judged = await JudgedClient.start({ http2: { dropsStreamsAfterRejection: true }, rules: { tokens } });
      const client = await judged.connect();
      expect(await judged.pushed(client, { ':path': `/3/device/${dead}` })).toBe('400');
      await client.until(
        'settings',
        ({ values }) => values[3] === 1 && judged.simulator.stats().reasons['BadDeviceToken'] === 1,
      );
      const streams = [judged.push(client), judged.push(client), judged.push(client)];
      await client.answer(streams[0]);
      expect(judged.violations).toEqual({ 'streams-within-limit': 2 });
    });
  });

  describe('convicts by one-team', () => {
    it('a client that pushes for two keys on one connection', async () => {
      const other = createIdentity({ keyId: 'OTHERKEY99', teamId: 'OTHERTEAM9' });
      const key: ProviderKey = { keyId: other.keyId, teamId: other.teamId, publicKeyPem: other.publicKeyPem };
      await using judged = await JudgedClient.start({ rules: { keys: [key] } });
      const client = await judged.connect();
      await judged.pushed(client, { authorization: `bearer ${providerToken(other)}` });
      await judged.pushed(client);
      expect(judged.violations).toEqual({ 'one-team': 1 });
    });
  });

  describe('convicts by provider-token-steady', () => {
    const nowSeconds = (): number => Math.floor(Date.now() / 1_000);

    it('a client that changes its token from push to push', async () => {
      await using judged = await JudgedClient.start();
      const client = await judged.connect();
      const { identity } = judged.simulator;
      for (let push = 1; push <= 3; push += 1) {
        const claims = { iss: identity.teamId, iat: nowSeconds() - push * 600 };
        await judged.pushed(client, { authorization: `bearer ${providerToken(identity, { claims })}` });
      }
      expect(judged.violations).toEqual({ 'provider-token-steady': 3 });
    });

    it('workers that each make a token of their own', async () => {
      await using judged = await JudgedClient.start();
      await judged.connect();
      const second = await judged.dial();
      await judged.pushed(second, { authorization: `bearer ${providerToken(judged.simulator.identity)}` });
      expect(judged.violations).toEqual({ 'provider-token-steady': 1 });
      expect(formatRefereeReport(judged.report)).toMatch(/two tokens of key \w+ were made \d+ ms apart/);
    });

    it.each([
      ['two hours old', -7_200],
      ['ten minutes from the future', 600],
    ])('a client whose token is %s', async (_, offset) => {
      await using judged = await JudgedClient.start();
      const client = await judged.dial();
      const { identity } = judged.simulator;
      const claims = { iss: identity.teamId, iat: nowSeconds() + offset };
      const authorization = `bearer ${providerToken(identity, { claims })}`;
      for (let push = 0; push < 3; push += 1) expect(await judged.pushed(client, { authorization })).toBe('403');
      expect(judged.violations).toEqual({ 'provider-token-steady': 1 });
    });
  });

  describe('convicts by dead-tokens-stay-dead', () => {
    const tokens = { [dead]: { kind: 'unregistered' } } as const;
    const path = { ':path': `/3/device/${dead}` };

    it('a client that goes on pushing to a token after its 410', async () => {
      await using judged = await JudgedClient.start({ rules: { tokens } });
      const client = await judged.connect();
      expect(await judged.pushed(client, path)).toBe('410');
      await judged.known();
      for (let push = 0; push < 3; push += 1) await judged.pushed(client, path);
      expect(judged.violations).toEqual({ 'dead-tokens-stay-dead': 3 });
    });

    it('also when it does so on another connection, once that one must know', async () => {
      await using judged = await JudgedClient.start({ rules: { tokens } });
      const [first, second] = [await judged.connect(), await judged.connect()];
      expect(await judged.pushed(first, path)).toBe('410');
      await judged.known();
      await judged.pushed(second, path);
      expect(judged.violations).toEqual({ 'dead-tokens-stay-dead': 1 });
    });

    it('but not for what was under way when the 410 came, nor after the device registered again', async () => {
      await using judged = await JudgedClient.start({ rules: { tokens } });
      const client = await judged.connect();
      const streams = [judged.push(client, path), judged.push(client, path), judged.push(client, path)];
      for (const stream of streams) expect((await client.answer(stream)).status).toBe('410');
      await judged.known();
      judged.simulator.setToken(dead, { kind: 'ok' });
      expect(await judged.pushed(client, path)).toBe('200');
      expect(judged.violations).toEqual({});
    });
  });

  it('convicts by errors-rare a client that sends tokens it knows to be refused among good ones', async () => {
    const limits = { refusalsWindowReplies: 100 };
    await using judged = await JudgedClient.start({
      referee: { limits },
      rules: { tokens: { [dead]: { kind: 'bad' } } },
    });
    const client = await judged.connect();
    const path = { ':path': `/3/device/${dead}` };
    expect(await judged.pushed(client, path)).toBe('400');
    await judged.known();
    for (let push = 0; push < 98; push += 1) await judged.pushed(client, push % 25 === 0 ? path : {});
    expect(judged.violations).toEqual({ 'errors-rare': 1 });
  });

  describe('with two connections', () => {
    const limits = { refusalsWindowReplies: 40 };
    const path = { ':path': `/3/device/${dead}` };

    async function start(): Promise<JudgedClient> {
      return JudgedClient.start({ referee: { limits }, rules: { tokens: { [dead]: { kind: 'bad' } } } });
    }

    it('convicts by errors-rare a client that mixes such tokens into both', async () => {
      await using judged = await start();
      const clients = [await judged.connect(), await judged.connect()];
      for (const client of clients) await judged.pushed(client, path);
      await judged.known();
      for (let push = 0; push < 39; push += 1)
        for (const client of clients) await judged.pushed(client, push % 10 === 0 ? path : {});
      expect(judged.violations).toEqual({ 'errors-rare': 2 });
    });

    it('acquits a client that sends them on one of the two, also among pushes that are accepted there', async () => {
      await using judged = await start();
      const [clean, probation] = [await judged.connect(), await judged.connect()];
      expect(await judged.pushed(clean, path)).toBe('400');
      await judged.known();
      for (let push = 0; push < 90; push += 1) {
        await judged.pushed(clean, {});
        await judged.pushed(probation, push % 4 === 0 ? path : {});
      }
      expect(judged.violations).toEqual({});
      expect(judged.report.rules.find(({ id }) => id === 'errors-rare')?.notices).toBeGreaterThan(0);
    });
  });

  it('notices, but does not convict, a connection with many unknown tokens that are refused', async () => {
    await using judged = await JudgedClient.start({ referee: { limits: { refusalsWindowReplies: 50 } } });
    const client = await judged.connect();
    for (let push = 0; push < 49; push += 1) {
      const path = pathOf(push);
      if (push % 5 === 0) judged.simulator.setToken(path.slice('/3/device/'.length), { kind: 'bad' });
      await judged.pushed(client, { ':path': path });
    }
    expect(judged.report).toMatchObject({ verdict: 'clean', violations: 0 });
    expect(judged.report.rules.find(({ id }) => id === 'errors-rare')).toMatchObject({ violations: 0, notices: 1 });
  });

  describe('convicts by device-not-flooded', () => {
    it.each([
      ['20 s of the referee', undefined],
      ['the Retry-After', '5'],
    ])('a client that does not wait %s after a 429', async (_, retryAfter) => {
      const throttled = { kind: 'throttled', ...(retryAfter === undefined ? {} : { retryAfter }) } as const;
      await using judged = await JudgedClient.start({ rules: { tokens: { [dead]: throttled } } });
      const client = await judged.connect();
      const path = { ':path': `/3/device/${dead}` };
      expect(await judged.pushed(client, { ...path, 'apns-id': apnsIdOf(1) })).toBe('429');
      await judged.known();
      expect(await judged.pushed(client, { ...path, 'apns-id': apnsIdOf(2) })).toBe('429');
      expect(judged.violations).toEqual({ 'device-not-flooded': 1 });
    });
  });

  describe('convicts by retries-budgeted', () => {
    const again = { 'apns-id': apnsIdOf(1) };

    it('a client that sends an accepted push again', async () => {
      await using judged = await JudgedClient.start();
      const client = await judged.connect();
      await judged.pushed(client, again);
      await judged.known();
      await judged.pushed(client, again);
      expect(judged.violations).toEqual({ 'retries-budgeted': 1 });
    });

    it('a client that sends each push twice at once, on one connection', async () => {
      await using judged = await JudgedClient.start();
      const client = await judged.connect();
      const streams = [judged.push(client, again), judged.push(client, again)];
      await client.answer(streams[1]);
      expect(judged.violations).toEqual({ 'retries-budgeted': 1 });
    });

    it('a client that sends each push twice at once, on two connections', async () => {
      await using judged = await JudgedClient.start();
      const [first, second] = [await judged.connect(), await judged.connect()];
      const streams = [judged.push(first, again), judged.push(second, again)];
      await first.answer(streams[0]);
      await second.answer(streams[1]);
      await judged.known();
      expect(judged.violations).toEqual({ 'retries-budgeted': 1 });
    });

    it.each([
      ['the Retry-After of a 503', { status: 503, reason: 'ServiceUnavailable', retryAfter: '30' }, '200'],
      ['the 15 minutes of a 500', { status: 500, reason: 'InternalServerError' }, '200'],
    ])('a client that does not wait %s', async (_, reply, then) => {
      const tokens = { [goodToken]: { kind: 'reply', ...reply, times: 1 } } as const;
      await using judged = await JudgedClient.start({ rules: { tokens } });
      const client = await judged.dial();
      expect(await judged.pushed(client, again)).toBe(String(reply.status));
      await judged.known();
      expect(await judged.pushed(client, again)).toBe(then);
      expect(judged.violations).toEqual({ 'retries-budgeted': 1 });
    });

    it('a client without apns-ids that sends the same body to the same token at once', async () => {
      const tokens = {
        [goodToken]: { kind: 'reply', status: 503, reason: 'ServiceUnavailable', retryAfter: '30', times: 1 },
      } as const;
      await using judged = await JudgedClient.start({ rules: { tokens } });
      const client = await judged.dial();
      expect(await judged.pushed(client)).toBe('503');
      await judged.known();
      expect(await judged.pushed(client)).toBe('200');
      expect(judged.violations).toEqual({ 'retries-budgeted': 1 });
    });

    it('a client whose retries outnumber what a gateway in trouble can bear', async () => {
      const limits = { retriesBurst: 20, retriesMinPerSecond: 1, serverErrorDelayMs: 0 };
      await using judged = await JudgedClient.start({
        referee: { limits },
        rules: { tokens: { [goodToken]: { kind: 'reply', status: 503, reason: 'ServiceUnavailable' } } },
      });
      const client = await judged.dial();
      for (let push = 0; push < 40; push += 1) await judged.pushed(client, again);
      expect(Object.keys(judged.violations)).toEqual(['retries-budgeted']);
      expect(formatRefereeReport(judged.report)).toContain('retries beside');
    });

    it('but not one that resends what was reset, refused, given up or lost with its connection', async () => {
      const faults = {
        faults: [{ when: { on: 'request', nth: 2, connections: [1] }, action: { kind: 'rst', code: 2 } }],
      } as const;
      const silent = { kind: 'silence', times: 1 } as const;
      await using judged = await JudgedClient.start({ faults, rules: { tokens: { [dead]: silent } } });
      const client = await judged.connect();
      const reset = judged.push(client, again);
      await client.until('rst', ({ streamId }) => streamId === reset);
      expect(await judged.pushed(client, again)).toBe('200');

      const lost = { ':path': `/3/device/${dead}`, 'apns-id': apnsIdOf(2) };
      judged.push(client, lost);
      await judged.known();
      client.close();
      const second = await judged.connect();
      expect(await judged.pushed(second, lost)).toBe('200');
      await judged.known();
      expect(judged.violations).toEqual({});
    });
  });

  describe('convicts by goaway-obeyed', () => {
    const faults = {
      faults: [{ when: { on: 'reply', nth: 2, connections: [1] }, action: { kind: 'goaway', closes: false } }],
    } as const;

    it('a client that opens streams after GOAWAY', async () => {
      await using judged = await JudgedClient.start({ faults });
      const client = await judged.connect();
      await judged.pushed(client);
      await client.until('goaway');
      await judged.known();
      judged.push(client);
      judged.push(client);
      await expect.poll(() => judged.violations).toEqual({ 'goaway-obeyed': 2 });
    });

    it('but not one whose streams were under way when GOAWAY came', async () => {
      await using judged = await JudgedClient.start({ faults });
      const client = await judged.connect();
      const streams = Array.from({ length: 20 }, () => judged.push(client));
      await client.answer(streams[0]);
      await client.until('goaway');
      await judged.known();
      expect(judged.violations).toEqual({});
    });
  });

  it('convicts by pings-sparing a client that pings without need', async () => {
    await using judged = await JudgedClient.start();
    const client = await judged.connect();
    const ping = Buffer.alloc(17);
    encodePing(ping, 0, false, Buffer.from('anyone??'), 0);
    for (let count = 0; count < 12; count += 1) client.write(ping);
    await expect.poll(() => judged.violations).toEqual({ 'pings-sparing': 2 });
  });

  describe('convicts by frames-clean', () => {
    const token = goodToken;

    it.each<[string, Readonly<Record<string, string | null>>, string]>([
      ['a header that is none of Apple’s', { 'x-tracking': 'yes' }, '"x-tracking"'],
      ['a compressed body, as it says', { 'content-encoding': 'gzip' }, 'content-encoding'],
      ['another path', { ':path': `/3/device/${token}?x=1` }, ':path'],
      ['a path that climbs', { ':path': '/3/device/../../1/apps/x' }, ':path'],
      ['another method', { ':method': 'PUT' }, ':method'],
      ['an apns-id in upper case', { 'apns-id': apnsIdOf(0xabc).toUpperCase() }, 'apns-id'],
      ['a priority that does not exist', { 'apns-priority': '7' }, 'apns-priority'],
    ])('a client that sends %s', async (_, changes, named) => {
      await using judged = await JudgedClient.start();
      const client = await judged.connect();
      await judged.pushed(client, changes);
      expect(judged.violations).toEqual({ 'frames-clean': 1 });
      const text = formatRefereeReport(judged.report);
      expect(text).toContain(named);
      expect(text).not.toContain(token);
    });

    it('a client that repeats a header', async () => {
      await using judged = await JudgedClient.start();
      const client = await judged.connect();
      const fields = [
        { name: ':method', value: 'POST' },
        { name: ':scheme', value: 'https' },
        { name: ':path', value: `/3/device/${token}` },
        { name: 'authorization', value: judged.authorization },
        { name: 'apns-topic', value: judged.simulator.identity.topic },
        { name: 'apns-priority', value: '5' },
        { name: 'apns-priority', value: '5' },
      ];
      const stream = client.openStream(fields);
      client.sendBody(stream, Buffer.from('{}'), true);
      await client.answer(stream);
      expect(judged.violations).toEqual({ 'frames-clean': 1 });
    });

    it('a client that names a header in upper case', async () => {
      await using judged = await JudgedClient.start();
      const client = await judged.connect();
      const stream = judged.push(client, { 'Apns-Priority': '5' });
      await client.until('rst', ({ streamId }) => streamId === stream);
      expect(judged.violations).toEqual({ 'frames-clean': 1 });
    });

    it('a client that compresses its bodies without a word', async () => {
      await using judged = await JudgedClient.start();
      const client = await judged.connect();
      await client.answer(judged.push(client, {}, gzipSync('{"aps":{}}')));
      expect(judged.violations).toEqual({ 'frames-clean': 1 });
    });

    it('a client that sends PRIORITY, and frames that nobody knows', async () => {
      await using judged = await JudgedClient.start();
      const client = await judged.connect();
      const priority = Buffer.alloc(14);
      encodePriority(priority, 0, 3, 0, false, 16);
      const unknown = Buffer.alloc(9);
      encodeFrameHeader(unknown, 0, 0, 0xf7, 0, 0);
      client.write(Buffer.concat([priority, unknown]));
      await expect.poll(() => judged.violations).toEqual({ 'frames-clean': 2 });
    });

    it('a client that breaks the protocol', async () => {
      await using judged = await JudgedClient.start();
      const client = await judged.connect();
      const windowUpdate = Buffer.from([0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0]); // an increment of 0
      client.write(windowUpdate);
      await client.until('goaway');
      expect(judged.violations).toEqual({ 'frames-clean': 1 });
    });
  });
});
