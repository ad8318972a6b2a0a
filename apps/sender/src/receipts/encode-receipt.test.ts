import type { Receipt } from '@carillon/engine';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { encodeAny, encodeReceipt } from './encode-receipt.ts';

const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 });
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value);

const receipt: fc.Arbitrary<Receipt> = fc.record(
  {
    id: maybe(fc.string({ unit: 'binary' })),
    file: fc.string({ unit: 'binary' }),
    line: fc.integer({ min: 1 }),
    app: maybe(fc.constantFrom('default', 'news')),
    token: maybe(hex),
    outcome: fc.constantFrom('accepted' as const, 'rejected' as const, 'unregistered' as const, 'abandoned' as const),
    status: maybe(fc.integer({ min: 100, max: 599 })),
    reason: maybe(fc.string({ unit: 'binary' })),
    message: fc.string({ unit: 'binary' }),
    duplicateOf: fc.nat(),
    apnsId: maybe(fc.oneof(fc.uuid(), fc.string({ unit: 'binary' }))),
    path: fc.constant('aps.badge'),
    truncated: fc.constant(true as const),
    warnings: fc.array(
      fc.record({
        code: fc.constantFrom('local.odd-value' as const, 'local.null-value' as const),
        path: fc.string({ unit: 'binary' }),
        message: fc.string({ unit: 'binary' }),
      }),
      { maxLength: 3 },
    ),
    uniqueId: fc.string({ unit: 'binary' }),
    since: fc.constant('2026-11-01T00:00:00.000Z'),
    because: fc.constantFrom('deadline' as const, 'unreachable' as const),
    processed: fc.constantFrom('no' as const, 'unknown' as const),
    attempts: fc.nat(100),
    latencyMs: maybe(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true })),
    at: fc.constant('2026-11-23T11:59:59.123Z'),
  },
  { requiredKeys: ['id', 'app', 'token', 'outcome', 'status', 'reason', 'apnsId', 'attempts', 'latencyMs', 'at'] },
);

describe('The encoder of receipts', () => {
  it('writes what JSON.stringify writes, to the byte', () => {
    fc.assert(
      fc.property(receipt, (one) => {
        expect(encodeReceipt(one)).toBe(encodeAny(one));
      }),
    );
  });

  it('loses no field, and puts each receipt on one line', () => {
    fc.assert(
      fc.property(receipt, (one) => {
        const text = encodeReceipt(one);
        expect(text.indexOf('\n')).toBe(text.length - 1);
        // JSON has no -0, and turns it into 0 as JSON.stringify does.
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(one)));
      }),
    );
  });

  it('keeps the order of the contract', () => {
    const one: Receipt = {
      id: 'order-4711',
      app: 'news',
      token: 'ab'.repeat(32),
      outcome: 'accepted',
      status: 200,
      reason: null,
      apnsId: '7a5f0e4c-7d4b-4a55-8a5a-0c2b5f3f8a11',
      attempts: 1,
      latencyMs: 41.2,
      at: '2026-11-23T11:59:59.123Z',
      file: 'jobs "1".ndjson',
      line: 17,
    };
    expect(encodeReceipt(one)).toBe(
      `{"id":"order-4711","file":"jobs \\"1\\".ndjson","line":17,"app":"news","token":"${'ab'.repeat(32)}",` +
        '"outcome":"accepted","status":200,"reason":null,"apnsId":"7a5f0e4c-7d4b-4a55-8a5a-0c2b5f3f8a11",' +
        '"attempts":1,"latencyMs":41.2,"at":"2026-11-23T11:59:59.123Z"}\n',
    );
  });
});
