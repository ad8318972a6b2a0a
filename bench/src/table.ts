/** Rows as a table for people: one column a figure, in the order in which figures first appear. */
import type { Row } from './bench.ts';

const titles: Readonly<Record<string, string>> = {
  name: '',
  cpuMicrosPerPush: 'CPU µs/push',
  steadyCpuMicrosPerPush: 'steady',
  pushesPerSecond: 'pushes/s',
  opsPerSecond: 'ops/s',
  nanosPerOp: 'ns/op',
};

export function formatTable(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter(
    // Figures by name would make a column of lines: a bench prints them below.
    (column) => column !== 'question' && rows.every((row) => typeof row[column] !== 'object'),
  );
  const lines = [
    columns.map((column) => titles[column] ?? column),
    ...rows.map((row) => columns.map((column) => formatFigure(row[column]))),
  ];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((text, column) => (column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function formatFigure(figure: Row[string]): string {
  if (figure === undefined || typeof figure === 'object') return '';
  if (typeof figure === 'string') return figure;
  if (Math.abs(figure) >= 1000) return Math.round(figure).toLocaleString('en-US');
  return Number.isInteger(figure) ? String(figure) : figure.toFixed(figure < 10 ? 2 : 1);
}
