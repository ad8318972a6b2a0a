import { describe, expect, it } from 'vitest';
import { deviceTokens, ndjsonChunks, payloadBytes, payloadText, tokenCount } from './traffic.ts';

describe('The pushes of the load benches', () => {
  it('have 10,000 different device tokens of 64 digits', () => {
    const tokens = deviceTokens();
    expect(new Set(tokens).size).toBe(tokenCount);
    expect(tokens.filter((token) => !/^[0-9a-f]{64}$/.test(token))).toEqual([]);
  });

  it('have payloads of 282 octets and lines of 381', () => {
    expect(Buffer.byteLength(payloadText(9_999))).toBe(payloadBytes);
    const lines = Buffer.concat(ndjsonChunks(1_000, 172)).toString().trimEnd().split('\n');
    expect(lines.length).toBe(1_000);
    expect(new Set(lines.map((line) => Buffer.byteLength(line)))).toEqual(new Set([381]));
  });
});
