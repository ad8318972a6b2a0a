// The referee's report as a picture for whoever is woken up by it: the verdict on top, then what happened over time, one
// panel below the other on the same axis, and at the bottom what was played and what was broken. A pure function, an SVG
// without scripts or outside parts, 1,200 pixels wide.
import { headline, observedLine } from '../referee/report.ts';
import type { RefereeReport } from '../referee/report.ts';
import { connectionsPanel } from './draw-connections.ts';
import { amountPanel } from './draw-amounts.ts';
import type { Layer } from './draw-amounts.ts';
import { colours, left, plotWidth, rightEdge, width } from './layout.ts';
import type { Drawing } from './layout.ts';
import { drawLine, drawRect, drawText, ticksTo } from './svg.ts';
import type { ReplyClass, Timeline } from './timeline.ts';

const style = `
text { font: 12px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #24292f }
.title { font-size: 18px; font-weight: 700 }
.name { font-weight: 600 }
.note { font-size: 11px; fill: #57606a }
.bad { font-weight: 600; fill: #c1121f }
.good { font-weight: 600; fill: #1a7f37 }
.grid { stroke: #e6e9ed; fill: none }
.axis { stroke: #8c959f; fill: none }`;

const headHeight = 64;
const panelGap = 20;
const rowHeight = 16;
/** Names that are longer end in an ellipsis. */
const nameCharactersMax = 24;

/** An SVG document. */
export function renderTimeline(report: RefereeReport): string {
  const { timeline } = report;
  const parts: string[] = [];
  let y = headHeight;
  const add = ({ svg, height }: Drawing): void => {
    parts.push(...svg);
    y += height + panelGap;
  };
  if (timeline.buckets === 0) {
    parts.push(drawText(left, y + 20, 'No client has connected.', { kind: 'note' }));
    y += 40;
  } else {
    add(ratePanel(timeline, y));
    add(refusalsPanel(timeline, y));
    add(inFlightPanel(timeline, y));
    add(answerTimePanel(timeline, y));
    add(connectionsPanel(timeline, y));
    add(markRows('Faults played', faultRows(timeline), 'none', y));
    add(markRows('Violations', violationRows(timeline), 'none: every rule was kept', y));
    y -= panelGap;
  }
  const bottom = y;
  const height = bottom + 44;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${report.verdict === 'clean' ? 'Conduct: clean' : 'Conduct: convicted'}</title>`,
    `<style>${style}\n</style>`,
    drawRect(0, 0, width, height, '#ffffff'),
    ...head(report),
    ...(timeline.buckets === 0 ? [] : [...brokenBands(timeline, bottom), ...timeAxis(report, bottom)]),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function head(report: RefereeReport): string[] {
  const kind = report.verdict === 'clean' ? 'good' : 'bad';
  return [
    drawRect(0, 0, 8, headHeight - 16, kind === 'good' ? colours.good : colours.violation),
    drawText(24, 26, headline(report), { kind: 'title' }),
    drawText(24, 46, observedLine(report), { kind: 'note' }),
  ];
}

/** Where rules were broken, through all panels. */
function brokenBands(timeline: Timeline, bottom: number): string[] {
  const bucketWidth = plotWidth / timeline.buckets;
  return runsOf(
    sumOf(
      timeline.violations.map(({ counts }) => counts),
      timeline.buckets,
    ),
  ).map(({ from, to }) =>
    drawRect(
      left + from * bucketWidth,
      headHeight,
      Math.max(1.5, (to - from) * bucketWidth),
      bottom - headHeight,
      colours.violation,
      ' fill-opacity="0.08"',
    ),
  );
}

function timeAxis({ timeline, reportedAt }: RefereeReport, bottom: number): string[] {
  const { buckets, bucketMs, startedAt } = timeline;
  const spanMs = buckets * bucketMs;
  const unit = [
    { name: 'h', ms: 3_600_000 },
    { name: 'min', ms: 60_000 },
    { name: 's', ms: 1_000 },
  ].find(({ ms }) => spanMs >= 3 * ms) ?? { name: 'ms', ms: 1 };
  const span = spanMs / unit.ms;
  const startMs = Date.parse(startedAt ?? '');
  const svg: string[] = [];
  const ticks = ticksTo(span, 9);
  for (const tick of ticks) {
    if (tick > span) continue;
    const x = left + (tick / span) * plotWidth;
    svg.push(drawLine(x, headHeight, x, bottom, 'grid'), drawLine(x, bottom, x, bottom + 5, 'axis'));
    svg.push(drawText(x, bottom + 18, `${tick} ${unit.name}`, { kind: 'note', anchor: 'middle' }));
    svg.push(
      drawText(x, bottom + 32, clockTime(startMs + tick * unit.ms, ticks[1] * unit.ms), {
        kind: 'note',
        anchor: 'middle',
      }),
    );
  }
  svg.push(drawLine(left, bottom, rightEdge, bottom, 'axis'));
  const step = bucketMs >= 1_000 ? `${bucketMs / 1_000} s` : `${bucketMs} ms`;
  svg.push(drawText(16, bottom + 18, `UTC; steps of ${step}`, { kind: 'note' }));
  const silentMs = Date.parse(reportedAt) - (startMs + spanMs);
  if (silentMs < spanMs / 20) return svg;
  // Who looks for the end of the run finds the picture shorter than it.
  const until = clockTime(Date.parse(reportedAt), 1_000);
  const line = (row: number, says: string): string => drawText(rightEdge + 8, bottom + row, says, { kind: 'note' });
  return [...svg, line(18, 'nothing more until the'), line(32, `report at ${until}`)];
}

/** To the second, or finer where ticks are. The day is in the head. */
function clockTime(epochMs: number, tickMs: number): string {
  return new Date(epochMs).toISOString().slice(11, tickMs >= 1_000 ? 19 : 23);
}

function ratePanel(timeline: Timeline, y: number): Drawing {
  const perSecond = (counts: readonly number[]): number[] => counts.map((count) => (count * 1_000) / timeline.bucketMs);
  const layers: Layer[] = [
    { name: 'accepted', colour: colours.accepted, values: perSecond(timeline.replies.accepted), as: 'area' },
    { name: 'requests', colour: colours.requests, values: perSecond(timeline.requests), as: 'line' },
  ];
  const totals = [totalOf(timeline.replies.accepted), totalOf(timeline.requests)];
  return amountPanel({ y, height: 118, name: 'Requests', unit: 'a second', layers, totals, buckets: timeline.buckets });
}

const otherClasses: readonly Exclude<ReplyClass, 'accepted'>[] = [
  'gone',
  'refused',
  'throttled',
  'failed',
  'unanswered',
];
const classNames: Readonly<Record<ReplyClass, string>> = {
  accepted: 'accepted',
  gone: 'gone (410)',
  refused: 'refused (4xx)',
  throttled: 'throttled (429)',
  failed: 'failed (5xx)',
  unanswered: 'unanswered',
};

function refusalsPanel(timeline: Timeline, y: number): Drawing {
  const layers = otherClasses.map((name): Layer => {
    const values = timeline.replies[name].map((count) => (count * 1_000) / timeline.bucketMs);
    return { name: classNames[name], colour: colours[name], values, as: 'stack' };
  });
  const totals = otherClasses.map((name) => totalOf(timeline.replies[name]));
  const { buckets } = timeline;
  return amountPanel({ y, height: 84, name: 'Other answers', unit: 'a second', layers, totals, buckets });
}

function inFlightPanel(timeline: Timeline, y: number): Drawing {
  const layers: Layer[] = [{ name: 'at most', colour: colours.inFlight, values: timeline.inFlight, as: 'area' }];
  const totals = [Math.max(0, ...timeline.inFlight)];
  const { buckets } = timeline;
  return amountPanel({ y, height: 60, name: 'In flight', unit: 'streams, all together', layers, totals, buckets });
}

function answerTimePanel(timeline: Timeline, y: number): Drawing {
  const layers: Layer[] = [
    { name: '99 % within', colour: colours.p99, values: timeline.p99Ms, as: 'line' },
    { name: 'half within', colour: colours.p50, values: timeline.p50Ms, as: 'line' },
  ];
  const { buckets } = timeline;
  return amountPanel({ y, height: 60, name: 'Answer time', unit: 'ms, at the gateway', layers, totals: null, buckets });
}

interface MarkRow {
  readonly name: string;
  readonly colour: string;
  readonly counts: readonly number[];
  readonly says: string;
}

function faultRows({ faults }: Timeline): MarkRow[] {
  return faults.map(({ id, total, counts }) => ({
    name: id,
    colour: colours.fault,
    counts,
    says: `${total.toLocaleString('en-US')} ×`,
  }));
}

function violationRows({ violations }: Timeline): MarkRow[] {
  return violations.map(({ rule, total, firstAt, counts }) => ({
    name: rule,
    colour: colours.violation,
    counts,
    says: `${total.toLocaleString('en-US')} ×, ${firstAt.slice(11, 19)}`,
  }));
}

/** One row a name, one mark a bucket in which it happened; neighbours run together. */
function markRows(name: string, rows: readonly MarkRow[], empty: string, y: number): Drawing {
  const isBroken = name === 'Violations';
  const svg = [drawText(16, y + 12, name, { kind: 'name' })];
  if (rows.length === 0) {
    svg.push(drawText(left, y + 12, empty, { kind: isBroken ? 'good' : 'note' }));
    return { svg, height: rowHeight };
  }
  svg.push(drawText(rightEdge + 8, y + 12, isBroken ? 'how often, first at' : 'how often', { kind: 'note' }));
  for (const [row, { name: rowName, colour, counts, says }] of rows.entries()) {
    const top = y + 4 + (row + 1) * rowHeight;
    const bucketWidth = plotWidth / Math.max(1, counts.length);
    svg.push(drawText(left - 8, top + 11, shortened(rowName), { kind: isBroken ? 'bad' : 'note', anchor: 'end' }));
    svg.push(drawLine(left, top + rowHeight - 9, rightEdge, top + rowHeight - 9, 'grid'));
    for (const { from, to } of runsOf(counts)) {
      // 3 pixels: what a tired eye still finds.
      const markWidth = Math.max(3, (to - from) * bucketWidth - 0.5);
      svg.push(drawRect(left + from * bucketWidth, top + 2, markWidth, rowHeight - 6, colour, ' rx="1"'));
    }
    svg.push(drawText(rightEdge + 8, top + 11, says, { kind: isBroken ? 'bad' : 'note' }));
  }
  return { svg, height: (rows.length + 1) * rowHeight + 4 };
}

/** Stretches of buckets in which something was counted; `to` is the first one after. */
function runsOf(counts: readonly number[]): { readonly from: number; readonly to: number }[] {
  const runs: { from: number; to: number }[] = [];
  for (const [at, count] of counts.entries()) {
    if (count === 0) continue;
    const last = runs.at(-1);
    if (last?.to === at) last.to = at + 1;
    else runs.push({ from: at, to: at + 1 });
  }
  return runs;
}

function sumOf(lists: readonly (readonly number[])[], length: number): number[] {
  return Array.from({ length }, (_, at) => lists.reduce((sum, list) => sum + list[at], 0));
}

function totalOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function shortened(name: string): string {
  return name.length > nameCharactersMax ? `${name.slice(0, nameCharactersMax - 1)}…` : name;
}
