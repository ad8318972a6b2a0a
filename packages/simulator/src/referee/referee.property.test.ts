// Observations in any order: clients do what they like, and sockets close when they like.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { renderTimeline } from '../timeline/draw-timeline.ts';
import { Referee } from './referee.ts';
import { formatRefereeReport } from './report.ts';
import type { WatchedConnection } from './watched-connection.ts';

const tokenOf = (number: number): string => number.toString(16).repeat(64);
const body = Buffer.from('{}');

interface Step {
  readonly connection: number;
  readonly stream: number;
  readonly token: number;
  readonly status: number;
  readonly passMs: number;
  readonly act: (typeof acts)[number];
}

const acts = [
  'dial',
  'close',
  'excuse',
  'settings',
  'acknowledge',
  'open',
  'request',
  'reply',
  'reset',
  'spoil',
  'goaway',
  'ping',
  'mark',
  'answer-mark',
  'unclean',
  'register',
] as const;

const step: fc.Arbitrary<Step> = fc.record({
  connection: fc.integer({ min: 0, max: 3 }),
  stream: fc.integer({ min: 0, max: 12 }).map((number) => 2 * number + 1),
  token: fc.integer({ min: 1, max: 4 }),
  status: fc.constantFrom(200, 400, 403, 410, 429, 500, 503),
  passMs: fc.integer({ min: 0, max: 400 }),
  act: fc.constantFrom(...acts),
});

function perform(
  one: Step,
  now: number,
  referee: Referee,
  connections: Map<number, WatchedConnection>,
  dials: () => number,
): void {
  if (one.act === 'dial') {
    connections.set(one.connection, referee.connectionOpened(dials(), '192.0.2.1', now));
    return;
  }
  if (one.act === 'register') referee.registered(tokenOf(one.token));
  const connection = connections.get(one.connection);
  if (connection === undefined) return;
  const reply = {
    status: one.status,
    reason: one.status === 429 ? 'TooManyRequests' : one.status === 400 ? 'BadDeviceToken' : null,
    retryAfter: one.stream > 12 ? '1' : null,
  };
  switch (one.act) {
    case 'close':
      return connection.closed(now);
    case 'excuse':
      return connection.excuse();
    case 'settings':
      return connection.settingsSent(one.token, now);
    case 'acknowledge':
      return connection.settingsAcknowledged(now);
    case 'open':
      return connection.streamOpened(one.stream, now);
    case 'request': {
      const fields = [{ name: 'apns-id', value: `8f14e45f-ceea-467a-9575-00000000000${one.token}` }];
      return connection.request(
        one.stream,
        { method: 'POST', path: `/3/device/${tokenOf(one.token)}`, fields, bodyBytes: 2 },
        body,
        now,
      );
    }
    case 'reply':
      return connection.replied(one.stream, reply, now);
    case 'reset':
      return connection.resetReceived(one.stream, now);
    case 'spoil':
      return connection.spoiled(one.stream, now);
    case 'goaway':
      return connection.goAwaySent(one.stream, now);
    case 'ping':
      return connection.pingReceived(now);
    case 'mark':
      return void connection.takeMark(now);
    case 'answer-mark':
      return connection.markAcknowledged(now);
    case 'unclean':
      return connection.unclean('a frame: PRIORITY', now);
    default:
  }
}

describe('Referee', () => {
  it('bears observations in any order, keeps its count, and shows no device token', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        let now = Date.UTC(2026, 9, 6);
        let ordinal = 0;
        const referee = new Referee({ tokensMax: 3, pushesMax: 3 }, now);
        const connections = new Map<number, WatchedConnection>();
        for (const one of steps) {
          now += one.passMs;
          perform(one, now, referee, connections, () => (ordinal += 1));
        }
        const report = referee.report(now);
        expect(report.violations).toBe(report.rules.reduce((sum, rule) => sum + rule.violations, 0));
        expect(report.verdict).toBe(report.violations === 0 ? 'clean' : 'convicted');
        for (const rule of report.rules) expect(rule.examples.length).toBe(Math.min(5, rule.violations));
        expect(report.observed.marksAnswered).toBeLessThanOrEqual(report.observed.marksSent);
        const text = JSON.stringify(report) + formatRefereeReport(report) + renderTimeline(report);
        for (const token of [1, 2, 3, 4]) expect(text).not.toContain(tokenOf(token).slice(0, 8));
      }),
      { numRuns: 300 },
    );
  });
});
