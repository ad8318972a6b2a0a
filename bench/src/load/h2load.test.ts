import { describe, expect, it } from 'vitest';
import { readReport } from './h2load.ts';

const output = `starting benchmark...
finished in 3.01s, 331996.01 req/s, 22.16MB/s
requests: 1000000 total, 1000000 started, 1000000 done, 1000000 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 999999 2xx, 0 3xx, 1 4xx, 0 5xx
`;

describe('The report of h2load', () => {
  it('is its CPU time as the shell counted it, its rate and its statuses', () => {
    const report = readReport(output, '0m0.002s 0m0.001s\n1m2.500s 0m0.750s\n');
    expect(report.cpuMicros).toBe(63_250_000);
    expect(report.wallMs).toBe(3010);
    expect(report.statuses).toEqual({ 200: 999_999 });
  });

  it('is refused when either said something else', () => {
    expect(() => readReport('unable to connect', '0m0.0s 0m0.0s\n0m0.0s 0m0.0s\n')).toThrow(/unexpected/);
    expect(() => readReport(output, 'sh: h2load: not found')).toThrow(/unexpected/);
  });
});
