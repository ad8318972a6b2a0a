import { describe, expect, it } from 'vitest';
import { endpointOf } from './endpoint.ts';
import { systemResolver } from './resolver.ts';

describe("The system's resolver", () => {
  it.each([
    ['192.0.2.1', { address: '192.0.2.1', family: 4 }],
    ['2001:db8::1', { address: '2001:db8::1', family: 6 }],
    ['[2001:db8::1]', { address: '2001:db8::1', family: 6 }],
  ])('takes %s for its own answer', async (host, address) => {
    await expect(systemResolver.resolve(host)).resolves.toEqual([address]);
  });

  it('finds every address of a name', async () => {
    const found = await systemResolver.resolve('localhost');
    expect(found.length).toBeGreaterThan(0);
    for (const { address, family } of found) expect(family).toBe(address.includes(':') ? 6 : 4);
  });

  it('rejects a name that does not exist', async () => {
    await expect(systemResolver.resolve('gateway.invalid')).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:ENOTFOUND|EAI_AGAIN)$/),
    });
  });
});

describe('An endpoint', () => {
  it('puts an IPv6 address in brackets, once', () => {
    expect(endpointOf('gateway.example', 443)).toBe('gateway.example:443');
    expect(endpointOf('2001:db8::1', 443)).toBe('[2001:db8::1]:443');
    expect(endpointOf('[2001:db8::1]', 443)).toBe('[2001:db8::1]:443');
  });
});
