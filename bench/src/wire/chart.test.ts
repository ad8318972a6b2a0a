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
  it('draws the cheapest first, and each bar as long as its figure', () => {
    const svg = drawWire(rows, 'a machine', '2026-11-01T12:00:00Z');
    expect(svg.indexOf('carillon/1')).toBeLessThan(svg.indexOf('slow'));
    const [ours, theirs] = barWidths(svg);
    // A hundred times as long, but for the rounding to tenths of a pixel.
    expect((theirs ?? 0) / (ours ?? 1)).toBeGreaterThan(98);
    expect((theirs ?? 0) / (ours ?? 1)).toBeLessThan(102);
  });

  it('names machine, date and unit, and escapes what it is given', () => {
    const svg = drawWire(rows, 'CPU <1>', '2026-11-01T12:00:00Z');
    expect(svg).toContain('CPU &lt;1&gt;');
    expect(svg).toContain('2026-11-01');
    expect(svg).toContain('slow &amp; &lt;old&gt;');
  });
});
