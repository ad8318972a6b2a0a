import { describe, expect, it } from 'vitest';
import { AddressBook } from './address-book.ts';
import type { Address } from './resolver.ts';

const [a, b, c, d]: Address[] = [1, 2, 3, 4].map((last) => ({ address: `192.0.2.${last}`, family: 4 }));
const [v6, v6b]: Address[] = [1, 2].map((last) => ({ address: `2001:db8::${last}`, family: 6 }));

/** Gives 0, 0.1, 0.2 …: keeps the order given among equals. */
function rising(): { next: () => number } {
  let draw = 0;
  return { next: () => (draw += 0.01) };
}

const names = (addresses: readonly Address[]): string[] => addresses.map(({ address }) => address);

describe('An address book', () => {
  it('puts the address with the fewest connections first', () => {
    const book = new AddressBook(rising());
    book.opened(a.address);
    book.opened(a.address);
    book.opened(b.address);
    expect(names(book.order([a, b, c], 0))).toEqual(names([c, b, a]));
    book.closed(a.address);
    book.closed(a.address);
    expect(names(book.order([a, b, c], 0))).toEqual(names([a, c, b]));
  });

  it('leaves it to chance among equals', () => {
    const draws = [0.9, 0.1, 0.5];
    const book = new AddressBook({ next: () => draws.shift() ?? 0 });
    expect(names(book.order([a, b, c], 0))).toEqual(names([b, c, a]));
  });

  it('puts an address that failed last for a minute, and never leaves it out', () => {
    const book = new AddressBook(rising());
    book.failed(a.address, 1000);
    book.opened(b.address);
    expect(names(book.order([a, b, c], 1000))).toEqual(names([c, b, a]));
    expect(names(book.order([a, b, c], 60_999))).toEqual(names([c, b, a]));
    expect(names(book.order([a, b, c], 61_000))).toEqual(names([a, c, b]));
    expect(names(book.order([a], 1001))).toEqual(names([a]));
  });

  it('forgives an address on which a connection opens', () => {
    const book = new AddressBook(rising());
    book.failed(a.address, 1000);
    book.opened(a.address);
    book.closed(a.address);
    expect(names(book.order([a, b], 1001))).toEqual(names([a, b]));
  });

  it('lets the families take turns, working addresses before demoted ones', () => {
    const book = new AddressBook(rising());
    expect(names(book.order([v6, v6b, a, b, c], 0))).toEqual(names([v6, a, v6b, b, c]));
    book.failed(v6.address, 0);
    book.failed(d.address, 0);
    expect(names(book.order([v6, v6b, a, d], 1))).toEqual(names([v6b, a, v6, d]));
  });

  it('keeps its memory bounded when DNS rotates through thousands of addresses', () => {
    const book = new AddressBook(rising());
    book.opened('192.0.2.200');
    for (let number = 0; number < 10_000; number++) book.failed(`10.0.${number >> 8}.${number & 255}`, 0);
    // What has a connection is remembered; of the rest only those of late.
    expect(names(book.order([{ address: '192.0.2.200', family: 4 }, a], 1))).toEqual([a.address, '192.0.2.200']);
    const first: Address = { address: '10.0.0.0', family: 4 };
    expect(names(book.order([first, { address: '10.0.39.15', family: 4 }], 1))).toEqual(['10.0.0.0', '10.0.39.15']);
  });
});
