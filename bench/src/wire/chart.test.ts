import { describe, expect, it } from 'vitest';
import { drawWire } from './chart.ts';

const rows = [
  { name: 'slow & <old>', n: 1, cpuMicrosPerPush: 90, pushesPerSecond: 11_000 },
  { name: 'carillon/1', n: 1, cpuMicrosPerPush: 0.9, pushesPerSecond: 1_000_000 },
];

function barWidths(svg: string): number[] {
  return [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));
}

describe('The chart of the wire bench', () => {
  it('draws the cheapest first, and each bar as long as its logarithm on the axis', () => {
    const svg = drawWire(rows, 'a machine', '2026-11-01T12:00:00Z');
    expect(svg.indexOf('carillon/1')).toBeLessThan(svg.indexOf('slow'));
    const [ours, theirs] = barWidths(svg);
    // The axis has three decades, from 0.1 to 100 µs; 0.9 to 90 are two of them.
    expect((theirs ?? 0) - (ours ?? 0)).toBeCloseTo((440 * 2) / 3, 0);
  });

  it('names machine, date and unit, and escapes what it is given', () => {
    const svg = drawWire(rows, 'CPU <1>', '2026-11-01T12:00:00Z');
    expect(svg).toContain('CPU &lt;1&gt;');
    expect(svg).toContain('2026-11-01');
    expect(svg).toContain('slow &amp; &lt;old&gt;');
  });
});
