import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApnsIdGenerator, parseApnsId } from './apns-id.ts';

const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('parseApnsId', () => {
  it('takes lower case as it is and lowers upper case', () => {
    expect(parseApnsId('8f14e45f-ceea-467a-9575-6f0c1b2d3e4f')).toBe('8f14e45f-ceea-467a-9575-6f0c1b2d3e4f');
    expect(parseApnsId('8F14E45F-CEEA-467A-9575-6F0C1B2D3E4F')).toBe('8f14e45f-ceea-467a-9575-6f0c1b2d3e4f');
  });

  it.each([
    '',
    'x',
    '8f14e45fceea467a95756f0c1b2d3e4f',
    '{8f14e45f-ceea-467a-9575-6f0c1b2d3e4f}',
    '8f14e45f-ceea-467a-9575-6f0c1b2d3e4',
    '8f14e45f-ceea-467a-9575-6f0c1b2d3e4g',
    '8f14e45fc-eea-467a-9575-6f0c1b2d3e4f',
    '8f14e45f-ceea-467a-9575-6f0c1b2d3e\r\n',
  ])('refuses %j', (text) => {
    expect(parseApnsId(text)).toMatchObject({ kind: 'fault', code: 'local.bad-apns-id', field: 'apnsId' });
  });

  it('reads any UUID', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(parseApnsId(id.toUpperCase())).toBe(id);
      }),
    );
  });
});

describe('ApnsIdGenerator', () => {
  it('writes version 4 UUIDs where it is told, and nothing around them', () => {
    const generator = new ApnsIdGenerator();
    const target = Buffer.alloc(40, 0x2e);
    expect(generator.write(target, 2)).toBe(38);
    expect(target.toString('latin1', 0, 2) + target.toString('latin1', 38)).toBe('....');
    expect(target.toString('latin1', 2, 38)).toMatch(uuidV4);
  });

  it('never repeats within 100,000 ids', () => {
    const generator = new ApnsIdGenerator();
    const target = Buffer.alloc(36);
    const seen = new Set<string>();
    for (let i = 0; i < 100_000; i++) {
      generator.write(target, 0);
      seen.add(target.toString('latin1'));
    }
    expect(seen.size).toBe(100_000);
    for (const id of seen) if (!uuidV4.test(id)) throw new Error(`not a version 4 UUID: ${id}`);
  });

  it('takes its bytes from the source it is given, each byte once', () => {
    let next = 0;
    let calls = 0;
    const generator = new ApnsIdGenerator({
      poolBytes: 40, // rounded down to two ids
      fill: (target) => {
        calls++;
        for (let i = 0; i < target.length; i++) target[i] = next++ & 0xff;
      },
    });
    const target = Buffer.alloc(36 * 3);
    generator.write(target, generator.write(target, generator.write(target, 0)));
    expect(calls).toBe(2);
    expect(target.toString('latin1').match(/.{36}/g)).toEqual([
      '00010203-0405-4607-8809-0a0b0c0d0e0f',
      '10111213-1415-4617-9819-1a1b1c1d1e1f',
      '20212223-2425-4627-a829-2a2b2c2d2e2f',
    ]);
  });

  it.each([0, 15, 16.5, -16, Number.NaN])('refuses a pool of %d bytes', (poolBytes) => {
    expect(() => new ApnsIdGenerator({ poolBytes })).toThrow(RangeError);
  });
});
