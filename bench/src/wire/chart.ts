/**
 * The chart of the wire bench as SVG: CPU a push, one bar a sender, linear from zero, so that lengths may be compared. Made
 * to be read in light and dark: no background, colours that the viewer's scheme picks.
 */
import type { Row } from '../bench.ts';

const width = 760;
const labelWidth = 170;
const valueWidth = 150;
const barHeight = 20;
const rowHeight = 30;
const headHeight = 64;
const footHeight = 46;
const barsWidth = width - labelWidth - valueWidth;

const style = `
    text { font: 13px system-ui, sans-serif; fill: #24292f }
    .title { font-weight: 600; font-size: 16px }
    .note { font-size: 11px; fill: #57606a }
    .grid { stroke: #d0d7de }
    .ours { fill: #1a7f37 }
    .theirs { fill: #8c959f }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .note { fill: #8d96a0 }
      .grid { stroke: #30363d }
      .ours { fill: #3fb950 }
      .theirs { fill: #6e7681 }
    }`;

export function drawWire(rows: readonly Row[], machine: string, at: string): string {
  const drawn = rows
    .map((row) => ({ name: row.name, micros: row.cpuMicrosPerPush ?? 0, rate: row.pushesPerSecond ?? 0 }))
    .filter(({ micros }) => micros > 0)
    .sort((a, b) => a.micros - b.micros);
  const axis = axisFor(Math.max(...drawn.map(({ micros }) => micros)));
  const barsHeight = drawn.length * rowHeight;
  const height = headHeight + barsHeight + footHeight;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `  <title>CPU time a push, by sender</title>`,
    `  <style>${style}\n  </style>`,
    `  <text class="title" x="0" y="18">CPU time a push on the wire, µs (less is better)</text>`,
    ...gridOf(axis, barsHeight),
    ...drawn.flatMap((bar, place) => barOf(bar, headHeight + place * rowHeight, axis)),
    `  <text class="note" x="0" y="${height - 22}">TLS on loopback, 282-octet payloads, 10,000 device tokens; the process of the sender alone, its start included.</text>`,
    `  <text class="note" x="0" y="${height - 6}">${escapeText(machine)}, Node ${process.versions.node}, ${at.slice(0, 10)}</text>`,
    '</svg>',
    '',
  ].join('\n');
}

interface Bar {
  readonly name: string;
  readonly micros: number;
  readonly rate: number;
}

function barOf({ name, micros, rate }: Bar, y: number, axis: Axis): string[] {
  const length = Math.max(1, xOf(micros, axis));
  const kind = name.startsWith('carillon') ? 'ours' : 'theirs';
  const value = `${micros < 10 ? micros.toFixed(2) : micros.toFixed(0)} µs, ${Math.round(rate / 1000).toLocaleString('en-US')} k/s`;
  const textAt = y + barHeight - 5;
  return [
    `  <text x="${labelWidth - 8}" y="${textAt}" text-anchor="end">${escapeText(name)}</text>`,
    `  <rect class="${kind}" x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2"/>`,
    `  <text x="${(labelWidth + length + 6).toFixed(1)}" y="${textAt}">${value}</text>`,
  ];
}

/** From 0 to `end`, with a line every `step`. */
interface Axis {
  readonly end: number;
  readonly step: number;
}

/** Four to ten lines, a step of 1, 2 or 5 times a power of ten. */
function axisFor(largest: number): Axis {
  const power = 10 ** Math.floor(Math.log10(largest / 4));
  const step = [5, 2, 1].map((times) => times * power).find((candidate) => largest / candidate >= 4) ?? power;
  return { end: Math.ceil(largest / step) * step, step };
}

function xOf(figure: number, { end }: Axis): number {
  return (figure / end) * barsWidth;
}

function gridOf(axis: Axis, barsHeight: number): string[] {
  const lines: string[] = [];
  for (let line = 0; line <= Math.round(axis.end / axis.step); line++) {
    const figure = line * axis.step;
    const x = (labelWidth + xOf(figure, axis)).toFixed(1);
    lines.push(
      `  <line class="grid" x1="${x}" x2="${x}" y1="${headHeight - 8}" y2="${headHeight + barsHeight}"/>`,
      `  <text class="note" x="${x}" y="${headHeight - 14}" text-anchor="middle">${figure}</text>`,
    );
  }
  return lines;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
