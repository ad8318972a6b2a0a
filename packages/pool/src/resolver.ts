/** Name look-up as a seam. Asked anew before every dial: Apple spreads load over its servers by DNS. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { bareHost } from './endpoint.ts';

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

export interface Resolver {
  /** Every address of `host`, best first. Rejects with Node's DNS error when there is none. */
  resolve(host: string): Promise<readonly Address[]>;
}

/** The operating system's resolver, uncached on our side. An IP literal is its own answer. */
export const systemResolver: Resolver = {
  async resolve(host) {
    const bare = bareHost(host);
    const literal = isIP(bare);
    if (literal !== 0) return [{ address: bare, family: literal === 6 ? 6 : 4 }];
    const found = await lookup(bare, { all: true });
    return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
  },
};
