import { isFault, parseApnsId } from '@carillon/apns';
import type { ApnsId } from '@carillon/apns';
import { recordStride } from '@carillon/payload';
import { describe, expect, it } from 'vitest';
import { arenaOf, headOf, Kept } from '../test/pushes.ts';
import { Head } from './head.ts';
import { knownDead } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { PushTable } from './push.ts';
import { isoTime, makeReceipt, refusalReceipt } from './receipt.ts';
import type { Receipt } from './receipt.ts';

const apnsId = '11111111-2222-3333-4444-555555555555';
const token = 'c9d4c07c'.repeat(8);
const at = '2026-11-23T11:59:59.123Z';
const fromFile = { file: 'jobs.ndjson', hasLines: true };

function idOf(text: string): ApnsId {
  const id = parseApnsId(text);
  if (isFault(id)) throw new Error(id.message);
  return id;
}

function receiptOf(
  outcome: Outcome,
  latencyMs: number | null = null,
  origin: Parameters<typeof makeReceipt>[4] = fromFile,
): Receipt {
  const arena = arenaOf([{ id: 'order-4711', token, apnsId, payload: { aps: {} } }]);
  const push = new PushTable().take(arena, 0, headOf(), new Kept(), 0, Infinity);
  push.attempts = 2;
  return makeReceipt(push, outcome, latencyMs, at, origin);
}

const common = {
  id: 'order-4711',
  file: 'jobs.ndjson',
  line: 1,
  app: 'news',
  token,
  apnsId,
  attempts: 2,
  latencyMs: null,
  at,
};

describe('Receipt', () => {
  it('of an accepted push carries the ids of APNs and the latency to a tenth of a millisecond', () => {
    const outcome: Outcome = {
      kind: 'accepted',
      apnsId: idOf('99999999-2222-3333-4444-555555555555'),
      uniqueId: 'unique',
    };
    expect(receiptOf(outcome, 41.2345)).toEqual({
      ...common,
      outcome: 'accepted',
      status: 200,
      reason: null,
      apnsId: '99999999-2222-3333-4444-555555555555',
      uniqueId: 'unique',
      latencyMs: 41.2,
    });
  });

  it('of a rejected push carries status and reason of APNs', () => {
    expect(receiptOf({ kind: 'rejected', status: 400, reason: 'BadDeviceToken' }, 7)).toEqual({
      ...common,
      outcome: 'rejected',
      status: 400,
      reason: 'BadDeviceToken',
      latencyMs: 7,
    });
  });

  it('of an unregistered device says since when', () => {
    const since = Date.UTC(2026, 10, 1);
    expect(receiptOf({ kind: 'unregistered', status: 410, reason: 'Unregistered', since }, 7)).toEqual({
      ...common,
      outcome: 'unregistered',
      status: 410,
      reason: 'Unregistered',
      since: '2026-11-01T00:00:00.000Z',
      latencyMs: 7,
    });
    expect(receiptOf(knownDead(since))).toMatchObject({
      outcome: 'unregistered',
      status: null,
      reason: 'local.known-dead',
      since: '2026-11-01T00:00:00.000Z',
    });
  });

  it('of an abandoned push says why, and whether APNs may have taken it', () => {
    expect(
      receiptOf({ kind: 'abandoned', because: 'unreachable', processed: 'no', last: null, message: 'no answer' }),
    ).toEqual({
      ...common,
      outcome: 'abandoned',
      status: null,
      reason: null,
      because: 'unreachable',
      processed: 'no',
      message: 'no answer',
    });
    expect(receiptOf({ kind: 'abandoned', because: 'ambiguous', processed: 'unknown', last: 'lost' })).toMatchObject({
      reason: 'lost',
      processed: 'unknown',
    });
  });

  it('names no file and no line for jobs that came as objects, and no file for bytes without a name', () => {
    const outcome: Outcome = { kind: 'rejected', status: 400, reason: 'BadTopic' };
    const plain = receiptOf(outcome, 1, { file: null, hasLines: false });
    expect('file' in plain || 'line' in plain).toBe(false);
    const unnamed = receiptOf(outcome, 1, { file: null, hasLines: true });
    expect(unnamed.line).toBe(1);
    expect('file' in unnamed).toBe(false);
  });

  it('of a broadcast names the channel, and no device', () => {
    const channel = 'dHN0LXNyY2gtY2hhbm5lbA==';
    const arena = arenaOf([{ id: 'goal-1', channel, apnsId, payload: { aps: {} } }]);
    const { app, topic, pushType } = headOf();
    const head = new Head(0, app, topic, pushType, 10, true);
    const push = new PushTable().take(arena, 0, head, new Kept(), 0, Infinity);
    const receipt = makeReceipt(push, { kind: 'accepted', apnsId: idOf(apnsId) }, 1, at, fromFile);
    expect(receipt).toMatchObject({ id: 'goal-1', token: null, channel, outcome: 'accepted', apnsId });
    const refused = { line: 1, id: null, app: null, token: null, channel, code: 'local.unknown-app', message: 'no' };
    expect(refusalReceipt(refused, at, fromFile)).toMatchObject({ token: null, channel });
  });

  it('says that the alert was shortened, and what the push was warned about', () => {
    const payload = { aps: { alert: 'x'.repeat(5000), mine: 1 } };
    const arena = arenaOf([
      { token, truncate: true, payload },
      { token, payload: { aps: { alert: 'Hi' } } },
    ]);
    const [receipt, plain] = [0, recordStride].map((record) => {
      const push = new PushTable().take(arena, record, headOf(), new Kept(), 0, Infinity);
      return makeReceipt(push, { kind: 'rejected', status: 400, reason: 'BadTopic' }, 1, at, fromFile);
    });
    expect(receipt).toMatchObject({ truncated: true, warnings: [{ code: 'local.unknown-aps-key', path: 'aps.mine' }] });
    expect('truncated' in plain || 'warnings' in plain).toBe(false);
  });

  it('of a refused payload says where in it', () => {
    const refused = { line: 1, id: null, app: null, token, code: 'local.payload-wrong-type', message: 'aps.badge …' };
    expect(refusalReceipt({ ...refused, path: 'aps.badge' }, at, fromFile).path).toBe('aps.badge');
    expect('path' in refusalReceipt({ ...refused, path: null }, at, fromFile)).toBe(false);
  });

  it('of a line that could not be read has its number and what is wrong, and no attempts', () => {
    const refused = { line: 17, id: null, app: null, token: null, code: 'local.bad-json', message: 'no JSON' };
    expect(refusalReceipt(refused, at, fromFile)).toEqual({
      id: null,
      file: 'jobs.ndjson',
      line: 17,
      app: null,
      token: null,
      outcome: 'rejected',
      status: null,
      reason: 'local.bad-json',
      message: 'no JSON',
      apnsId: null,
      attempts: 0,
      latencyMs: null,
      at,
    });
  });
});

describe('isoTime', () => {
  it('formats each millisecond, also when time goes back', () => {
    expect([isoTime(0), isoTime(0), isoTime(1), isoTime(0)]).toEqual([
      '1970-01-01T00:00:00.000Z',
      '1970-01-01T00:00:00.000Z',
      '1970-01-01T00:00:00.001Z',
      '1970-01-01T00:00:00.000Z',
    ]);
  });
});
