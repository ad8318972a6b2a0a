import { describe, expect, it } from 'vitest';

import type { PushRequest } from '../rules/request.ts';
import { Referee } from './referee.ts';
import type { RefereeOptions } from './referee.ts';
import { formatRefereeReport } from './report.ts';
import { refereeRules } from './rules.ts';
import type { RuleId } from './rules.ts';
import type { WatchedConnection } from './watched-connection.ts';

const token = '0123456789abcdef'.repeat(4);
const startMs = Date.UTC(2026, 9, 6, 3, 0, 0);
const minuteMs = 60_000;
const emptyBody = Buffer.alloc(0);

/** A world without sockets: a referee, its clock, and one client that does as it is told. */
class Scene {
  nowMs = startMs;
  readonly referee: Referee;
  #connections = 0;
  #streams = 1;

  constructor(options: RefereeOptions = {}) {
    this.referee = new Referee(options, startMs);
  }

  connect(source = '192.0.2.1'): WatchedConnection {
    this.#connections += 1;
    const connection = this.referee.connectionOpened(this.#connections, source, this.nowMs);
    connection.secured(false);
    connection.settingsSent(1_000, this.nowMs);
    connection.settingsAcknowledged(this.nowMs);
    return connection;
  }

  open(connection: WatchedConnection, changes: Readonly<Record<string, string>> = {}): number {
    const { ':path': path = `/3/device/${token}`, ...others } = changes;
    const fields = Object.entries({ 'apns-topic': 'com.example.app', ...others }).map(([name, value]) => ({
      name,
      value,
    }));
    const request: PushRequest = { method: 'POST', path, fields, bodyBytes: 2 };
    const stream = this.#streams;
    this.#streams += 2;
    connection.streamOpened(stream, this.nowMs);
    connection.request(stream, request, emptyBody, this.nowMs);
    return stream;
  }

  push(
    connection: WatchedConnection,
    status = 200,
    changes: Readonly<Record<string, string>> = {},
    more: { reason?: string; retryAfter?: string } = {},
  ): void {
    const stream = this.open(connection, changes);
    connection.replied(
      stream,
      { status, reason: more.reason ?? null, retryAfter: more.retryAfter ?? null },
      this.nowMs,
    );
  }

  /** The client answers the mark that is due. False: none was. */
  mark(connection: WatchedConnection): boolean {
    this.nowMs += 250;
    if (!connection.takeMark(this.nowMs)) return false;
    connection.markAcknowledged(this.nowMs);
    return true;
  }

  get violations(): Partial<Record<RuleId, number>> {
    const { rules } = this.referee.report(this.nowMs);
    return Object.fromEntries(
      rules.filter(({ violations }) => violations > 0).map(({ id, violations }) => [id, violations]),
    );
  }
}

function jwt(keyId: string, issuedAtMs: number, salt = ''): Readonly<Record<string, string>> {
  const segment = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${segment({ alg: 'ES256', kid: keyId })}.${segment({ iss: 'TEAM123456', iat: issuedAtMs / 1_000 })}.sig${salt}`;
  return { authorization: `bearer ${text}` };
}

describe('Referee', () => {
  it('knows each rule of conduct once, with limits, units and a source', () => {
    expect(refereeRules.map(({ id }) => id)).toEqual([
      'connections-steady',
      'streams-within-limit',
      'one-team',
      'provider-token-steady',
      'dead-tokens-stay-dead',
      'errors-rare',
      'device-not-flooded',
      'retries-budgeted',
      'goaway-obeyed',
      'pings-sparing',
      'frames-clean',
    ]);
    for (const { limits, source, measures } of refereeRules) {
      expect(limits.length).toBeGreaterThan(0);
      expect(`${source}${measures}`).not.toBe('');
    }
  });

  describe('blames nobody for what he may not have known', () => {
    it('a 410 that no mark has proven to have arrived', () => {
      const scene = new Scene();
      const connection = scene.connect();
      scene.push(connection, 410, {}, { reason: 'Unregistered' });
      scene.nowMs += 3_600_000;
      scene.push(connection, 410, {}, { reason: 'Unregistered' });
      expect(scene.violations).toEqual({});
    });

    it('a 410 on another connection, until that one has answered a mark sent after it was proven', () => {
      const scene = new Scene();
      const [first, second] = [scene.connect(), scene.connect()];
      scene.push(first, 410, {}, { reason: 'Unregistered' });
      // Taken before the first connection's mark was answered: it proves nothing.
      scene.push(second, 200, { ':path': `/3/device/${'ef'.repeat(32)}` });
      expect(scene.mark(second)).toBe(true);
      expect(scene.mark(first)).toBe(true);
      scene.push(second);
      expect(scene.violations).toEqual({});
      expect(scene.mark(second)).toBe(true);
      scene.push(second);
      expect(scene.violations).toEqual({ 'dead-tokens-stay-dead': 1 });
    });

    it('a GOAWAY that has just been written', () => {
      const scene = new Scene();
      const connection = scene.connect();
      connection.goAwaySent(0, scene.nowMs);
      scene.open(connection);
      expect(scene.violations).toEqual({});
      scene.mark(connection);
      scene.open(connection);
      expect(scene.violations).toEqual({ 'goaway-obeyed': 1 });
    });

    it('a limit on streams that was lowered and not yet acknowledged', () => {
      const scene = new Scene();
      const connection = scene.connect();
      connection.settingsSent(1, scene.nowMs);
      for (let count = 0; count < 10; count += 1) scene.open(connection);
      expect(scene.violations).toEqual({});
      connection.settingsAcknowledged(scene.nowMs);
      scene.open(connection);
      expect(scene.violations).toEqual({ 'streams-within-limit': 1 });
    });
  });

  it('lets a raised limit be used before its acknowledgement', () => {
    const scene = new Scene();
    const connection = scene.connect();
    connection.settingsSent(1, scene.nowMs);
    connection.settingsAcknowledged(scene.nowMs);
    connection.settingsSent(3, scene.nowMs);
    for (let count = 0; count < 3; count += 1) scene.open(connection);
    expect(scene.violations).toEqual({});
  });

  it('asks for a mark only behind something that matters, one at a time, and not all the time', () => {
    const scene = new Scene();
    const connection = scene.connect();
    expect(connection.takeMark(scene.nowMs)).toBe(false);
    scene.push(connection);
    expect(connection.takeMark(scene.nowMs)).toBe(true);
    scene.push(connection);
    expect(connection.takeMark(scene.nowMs + 60_000)).toBe(false); // the first is still out
    connection.markAcknowledged(scene.nowMs + 60_000);
    expect(connection.takeMark(scene.nowMs + 60_000)).toBe(true);
    connection.markAcknowledged(scene.nowMs + 60_001);
    expect(connection.takeMark(scene.nowMs + 120_000)).toBe(false); // nothing was said since
  });

  describe('holds provider tokens to their times', () => {
    it('lets a key have a new token each half hour, with connections that change at different times', () => {
      const scene = new Scene();
      const [first, second] = [scene.connect(), scene.connect()];
      for (let quantum = 0; quantum < 6; quantum += 1) {
        const current = jwt('KEY1234567', startMs + quantum * 30 * minuteMs - 2 * minuteMs);
        const before = jwt('KEY1234567', startMs + (quantum - 1) * 30 * minuteMs - 2 * minuteMs);
        scene.push(first, 200, current);
        scene.push(second, 200, quantum === 0 ? current : before);
        scene.nowMs += 21 * minuteMs;
        scene.push(second, 200, current);
        scene.nowMs += 9 * minuteMs;
      }
      expect(scene.violations).toEqual({});
    });

    it('convicts three tokens of a key within 20 minutes, also when they were made far apart', () => {
      const scene = new Scene();
      for (const agoMinutes of [50, 29, 2]) {
        scene.push(scene.connect(), 200, jwt('KEY1234567', startMs - agoMinutes * minuteMs));
      }
      expect(scene.violations).toEqual({ 'provider-token-steady': 1 });
    });

    it('tells addresses and keys apart', () => {
      const scene = new Scene();
      for (let worker = 0; worker < 5; worker += 1) {
        scene.push(scene.connect(`192.0.2.${worker}`), 200, jwt('KEY1234567', startMs, String(worker)));
        scene.push(scene.connect(), 200, jwt(`KEY000000${worker}`, startMs));
      }
      expect(scene.violations).toEqual({});
    });
  });

  describe('watches dials', () => {
    /** Dials while the gateway resets each handshake; `pauseMs` after each. */
    function dialInVain(pauseMs: (attempt: number) => number, attempts: number): Partial<Record<RuleId, number>> {
      const scene = new Scene();
      for (let attempt = 0; attempt < attempts; attempt += 1) {
        const connection = scene.referee.connectionOpened(attempt, '192.0.2.1', scene.nowMs);
        connection.excuse();
        connection.closed(scene.nowMs);
        scene.nowMs += pauseMs(attempt);
      }
      return scene.violations;
    }

    it('and finds full jitter up to 60 s in order', () => {
      // xorshift32: the same sequence in every run.
      let state = 0x9e3779b9;
      const random = (): number => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return (state >>> 0) / 2 ** 32;
      };
      const pauseMs = (attempt: number): number => random() * Math.min(60_000, 500 * 2 ** attempt);
      expect(dialInVain(pauseMs, 500)).toEqual({});
    });

    it('and convicts pauses that are always the same, or always double', () => {
      expect(dialInVain(() => 1_000, 10)).toEqual({ 'connections-steady': 1 });
      expect(dialInVain((attempt) => 1_000 * 2 ** attempt, 7)).toEqual({ 'connections-steady': 1 });
    });

    it('and convicts dials without any pause', () => {
      expect(dialInVain(() => 1, 60)['connections-steady']).toBeGreaterThan(10);
    });

    it('and lets every connection that the gateway ended be replaced, as many as there are', () => {
      const scene = new Scene();
      for (let drained = 0; drained < 1_000; drained += 1) {
        const connection = scene.connect();
        scene.push(connection);
        connection.goAwaySent(1, scene.nowMs);
        connection.closed(scene.nowMs);
        scene.nowMs += 10;
      }
      expect(scene.violations).toEqual({});
    });
  });

  describe('watches retries', () => {
    const apnsId = (number: number): Record<string, string> => ({
      'apns-id': `8f14e45f-ceea-467a-9575-${number.toString(16).padStart(12, '0')}`,
    });

    it('and finds a tenth of first attempts, and a burst of one connection, in order', () => {
      const scene = new Scene({ limits: { serverErrorDelayMs: 1_000 } });
      const connection = scene.connect();
      for (let second = 0; second < 60; second += 1) {
        for (let push = 0; push < 1_000; push += 1) {
          scene.push(connection, push % 10 === 0 ? 503 : 200, apnsId(second * 1_000 + push));
        }
        scene.nowMs += 1_000;
        for (let push = 0; push < 1_000; push += 10) scene.push(connection, 200, apnsId(second * 1_000 + push));
      }
      expect(scene.violations).toEqual({});
    });

    it('and convicts a client that answers each 503 with the same push', () => {
      const scene = new Scene({ limits: { serverErrorDelayMs: 0 } });
      const connection = scene.connect();
      for (let push = 0; push < 3_000; push += 1) scene.push(connection, 503, apnsId(push % 500));
      expect(scene.violations['retries-budgeted']).toBeGreaterThan(0);
    });

    it('and excuses what came again after its connection ended, or above the last stream of a GOAWAY', () => {
      const scene = new Scene();
      const [first, second, third] = [scene.connect(), scene.connect(), scene.connect()];
      scene.open(first, apnsId(1));
      first.closed(scene.nowMs);
      scene.push(third, 200, apnsId(1));
      scene.open(second, apnsId(2));
      second.goAwaySent(0, scene.nowMs);
      scene.push(third, 200, apnsId(2));
      scene.mark(third);
      expect(scene.violations).toEqual({});
    });

    it('and excuses a push that was given up elsewhere, though the reset arrived later than the push', () => {
      const scene = new Scene();
      const [first, second] = [scene.connect(), scene.connect()];
      const stream = scene.open(first, apnsId(1));
      scene.push(second, 200, apnsId(1));
      first.resetReceived(stream, scene.nowMs);
      scene.mark(first);
      expect(scene.violations).toEqual({});
    });

    // Found by a simulated world (seed 114): octets of a connection that the client had closed came after those of its
    // next one.
    it('and does not take the attempt that came last for the one that was sent last', () => {
      const scene = new Scene();
      const [closed, next] = [scene.connect(), scene.connect()];
      scene.open(next, apnsId(1));
      scene.open(closed, apnsId(1));
      scene.mark(next);
      closed.closed(scene.nowMs);
      scene.mark(next);
      expect(scene.violations).toEqual({});
    });

    it('and convicts a client that has one push under way on two connections', () => {
      const scene = new Scene();
      const [first, second] = [scene.connect(), scene.connect()];
      scene.open(first, apnsId(1));
      scene.open(second, apnsId(1));
      scene.mark(first);
      expect(scene.violations).toEqual({});
      scene.mark(second);
      expect(scene.violations).toEqual({ 'retries-budgeted': 1 });
    });

    // Found by a simulated world (seed 24728): in a window of one octet a body takes seconds, and a 410 comes meanwhile.
    it('and asks what was known when the stream was opened, not when its body had come', () => {
      const scene = new Scene();
      const [first, second] = [scene.connect(), scene.connect()];
      second.streamOpened(1_001, scene.nowMs);
      scene.push(first, 410, apnsId(1), { reason: 'Unregistered' });
      scene.mark(first);
      scene.mark(second);
      const fields = [
        { name: 'apns-topic', value: 'com.example.app' },
        { name: 'apns-id', value: apnsId(2)['apns-id'] },
      ];
      const request: PushRequest = { method: 'POST', path: `/3/device/${token}`, fields, bodyBytes: 2 };
      second.request(1_001, request, emptyBody, scene.nowMs);
      expect(scene.violations).toEqual({});
    });

    // Found by a simulated world (seed 226): a gateway that answers in 700 ms, and a sender that waits for 500.
    it('and takes an answer that met a reset for one that nobody heard', () => {
      const scene = new Scene();
      const [first, second] = [scene.connect(), scene.connect()];
      const [inDoubt, dead] = [scene.open(first, apnsId(1)), scene.open(first, apnsId(2))];
      first.replied(inDoubt, { status: 200, reason: null, retryAfter: null }, scene.nowMs);
      first.replied(dead, { status: 410, reason: 'Unregistered', retryAfter: null }, scene.nowMs);
      first.resetReceived(inDoubt, scene.nowMs);
      first.resetReceived(dead, scene.nowMs);
      scene.mark(first);
      scene.mark(second);
      scene.push(first, 200, apnsId(1));
      scene.push(second, 410, apnsId(2), { reason: 'Unregistered' });
      expect(scene.violations).toEqual({});
    });
  });

  it('keeps its memory within bounds, says what it forgot, and never makes up a violation of it', () => {
    const scene = new Scene({ tokensMax: 100, pushesMax: 100 });
    const connection = scene.connect();
    for (let round = 0; round < 2; round += 1) {
      for (let push = 0; push < 1_000; push += 1) {
        const id = push.toString(16).padStart(12, '0');
        const path = `/3/device/${push.toString(16).padStart(64, '0')}`;
        scene.push(
          connection,
          410,
          { ':path': path, 'apns-id': `8f14e45f-ceea-467a-9575-${id}` },
          { reason: 'Unregistered' },
        );
      }
      scene.mark(connection);
    }
    expect(scene.referee.report(scene.nowMs).forgotten).toEqual({ tokens: 1_900, pushes: 1_900 });
    expect(scene.violations).toEqual({});
  });

  describe('reports', () => {
    it('a clean run in three lines', () => {
      const scene = new Scene();
      scene.push(scene.connect());
      expect(formatRefereeReport(scene.referee.report(startMs + 12_000))).toBe(
        [
          'Referee: CLEAN. All 11 rules of conduct were kept.',
          '1 push on 1 connection from 1 address, in 12 s until 2026-10-06T03:00:12.000Z.',
          '',
          'Kept: connections-steady, streams-within-limit, one-team, provider-token-steady,',
          'dead-tokens-stay-dead, errors-rare, device-not-flooded, retries-budgeted, goaway-obeyed,',
          'pings-sparing, frames-clean.',
          '',
        ].join('\n'),
      );
    });

    it('what was broken: how often, when, the limit, the source, and the first few cases', () => {
      const scene = new Scene({ examplesMax: 2 });
      const connection = scene.connect();
      scene.push(connection, 410, {}, { reason: 'Unregistered' });
      scene.mark(connection);
      for (let push = 0; push < 1_200; push += 1) scene.push(connection, 410, {}, { reason: 'Unregistered' });
      expect(formatRefereeReport(scene.referee.report(scene.nowMs))).toBe(
        [
          'Referee: CONVICTED. 1 of 11 rules of conduct were broken, 1,200 times in all.',
          '1,201 pushes on 1 connection from 1 address, in 0 s until 2026-10-06T03:00:00.250Z.',
          '',
          '✗ dead-tokens-stay-dead: 1,200 violations, from 2026-10-06T03:00:00.250Z to 2026-10-06T03:00:00.250Z',
          '    Counted: pushes to a device token whose 410 the client had received.',
          '    Limits: deadPushesMax 0 pushes.',
          '    Source: Apple, Handling notification responses from APNs.',
          '    2026-10-06T03:00:00.250Z  connection 1 stream 3: 012345… (64 digits) was answered 410 before',
          '    2026-10-06T03:00:00.250Z  connection 1 stream 5: 012345… (64 digits) was answered 410 before',
          '    … and 1,198 more',
          '',
          'Kept: connections-steady, streams-within-limit, one-team, provider-token-steady, errors-rare,',
          'device-not-flooded, retries-budgeted, goaway-obeyed, pings-sparing, frames-clean.',
          '',
        ].join('\n'),
      );
    });

    it('no device token, provider token or header value, whatever a client sends', () => {
      const scene = new Scene();
      const connection = scene.connect();
      const secret = jwt('KEY1234567', startMs - 3 * 3_600_000, 'secret-signature');
      scene.push(connection, 403, { ...secret, ':path': `/3/device/${token}/x` });
      scene.push(connection, 400, { ...secret, 'x-token': token, 'apns-id': token });
      scene.push(connection, 410, secret);
      scene.mark(connection);
      scene.push(connection, 410, secret);
      const report = scene.referee.report(scene.nowMs);
      for (const text of [JSON.stringify(report), formatRefereeReport(report)]) {
        expect(text).not.toContain(token);
        expect(text).not.toContain(token.slice(0, 16));
        expect(text).not.toContain('secret-signature');
      }
      expect(report.verdict).toBe('convicted');
    });

    it('that little can be proven when no client answers its PINGs', () => {
      const scene = new Scene();
      const connection = scene.connect();
      scene.push(connection);
      connection.takeMark(scene.nowMs);
      expect(formatRefereeReport(scene.referee.report(scene.nowMs))).toContain('Little can be proven');
    });
  });
});
