// The cases that other senders' mock servers judge by: our parsers refuse what Apple would, and our judge knows every
// reason. The vectors live beside the project, in ../shared/conformance.

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  findReason,
  isFault,
  judge,
  parseApnsId,
  parseCollapseId,
  parsePriority,
  parsePushType,
  parseReplyBody,
  payloadBytesMax,
  pushTypes,
  reactionsTo,
} from '../src/index.ts';

interface Case {
  readonly id: string;
  readonly change: { readonly headers?: Readonly<Record<string, string>>; readonly bodyBytes?: number };
  readonly expect: { readonly status: number; readonly body?: { readonly reason: string } };
}
interface ErrorBody {
  readonly wire: string;
  readonly reason?: string | null;
  readonly timestamp?: number | null;
  readonly error?: string;
}

const folder = new URL('../../../../shared/conformance/apns-validation/', import.meta.url);
const nowMs = Date.UTC(2026, 10, 23, 12, 0, 0);

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
}

/** What our own check of this header says; null for a header we make ourselves and never take from a job. */
function isRefused(name: string, value: string): boolean | null {
  switch (name) {
    case 'apns-collapse-id':
      return isFault(parseCollapseId(value));
    case 'apns-priority':
      return isFault(parsePriority(value));
    case 'apns-push-type': {
      const pushType = parsePushType(value);
      return isFault(pushType) || !pushType.isKnown;
    }
    case 'apns-id':
      return isFault(parseApnsId(value));
    default:
      return null;
  }
}

const isPresent = existsSync(folder);
if (!isPresent) console.log('apns-validation: nothing checked, ../shared/conformance is absent');
const { cases, statusByReason } = (isPresent ? read('cases.json') : { cases: [], statusByReason: {} }) as {
  cases: readonly Case[];
  statusByReason: Readonly<Record<string, readonly string[]>>;
};
const bodies = (isPresent ? read('error-bodies.json') : []) as readonly ErrorBody[];
// What the folder held when this was written: an empty one must not look like success.
const atLeast = isPresent ? { checks: 12, reasons: 29, bodies: 6 } : { checks: 0, reasons: 0, bodies: 0 };

interface Check {
  readonly id: string;
  readonly isRefused: boolean;
  readonly shouldBeRefused: boolean;
}

/** Every change of a case that one of our parsers or limits has an opinion on. */
function checksOf({ id, change, expect: expected }: Case): Check[] {
  const shouldBeRefused = expected.status !== 200;
  const checks = Object.entries(change.headers ?? {})
    .map(([name, value]) => isRefused(name, value))
    .filter((refused) => refused !== null);
  if (change.bodyBytes !== undefined) checks.push(change.bodyBytes > payloadBytesMax(pushTypes.alert));
  return checks.map((refused) => ({ id, isRefused: refused, shouldBeRefused }));
}

describe('the validation cases of other senders', () => {
  it('are refused by our parsers exactly where Apple would refuse them', () => {
    const checks = cases.flatMap((one) => checksOf(one));
    expect(checks.filter((check) => check.isRefused !== check.shouldBeRefused)).toEqual([]);
    console.log(`apns-validation: ${checks.length} header and payload checks in ${cases.length} cases`);
    expect(checks.length).toBeGreaterThanOrEqual(atLeast.checks);
  });

  it('end in an answer that our judge knows', () => {
    for (const { id, expect: expected } of cases) {
      const reason = expected.body?.reason ?? null;
      const verdict = judge({ status: expected.status, reason, timestampMs: null, retryAfter: null }, { nowMs });
      expect(verdict.kind === 'accepted', id).toBe(expected.status === 200);
      const statuses = reason === null ? [expected.status] : (findReason(reason)?.statuses ?? []);
      expect(statuses, id).toContain(expected.status);
    }
  });

  it('list no reason that we do not have under the same status', () => {
    const pairs = Object.entries(statusByReason).flatMap(([status, names]) =>
      names.map((name) => [Number(status), name] as const),
    );
    for (const [status, name] of pairs) expect(findReason(name)?.statuses, name).toContain(status);
    console.log(`apns-validation: ${pairs.length} reasons and their statuses`);
    expect(pairs.length).toBeGreaterThanOrEqual(atLeast.reasons);
  });
});

describe('the error bodies that broke other senders', () => {
  it('are read for what they hold, and judged under every status', () => {
    let judged = 0;
    for (const body of bodies) {
      const parsed = parseReplyBody(Buffer.from(body.wire));
      expect(parsed.reason, body.wire).toBe(body.reason ?? null);
      expect(parsed.timestampMs, body.wire).toBe(body.timestamp ?? null);
      expect(parsed.isMalformed, body.wire).toBe(body.error !== undefined && body.wire !== '');
      for (let status = 100; status <= 599; status++) {
        const verdict = judge({ status, retryAfter: null, ...parsed }, { nowMs });
        expect(verdict.kind === 'accepted').toBe(status >= 200 && status <= 299);
        expect(Array.isArray(reactionsTo(verdict))).toBe(true);
        judged++;
      }
    }
    console.log(`apns-validation: ${bodies.length} error bodies, ${judged} verdicts`);
    expect(bodies.length).toBeGreaterThanOrEqual(atLeast.bodies);
  });
});
