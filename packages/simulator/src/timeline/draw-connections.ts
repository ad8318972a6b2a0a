// The connections, one bar each from its opening to its end: how full it was of the streams that its client knew to be
// allowed, when GOAWAY was sent, and whether a rule was broken on it.
import { colours, left, plotWidth, rightEdge } from './layout.ts';
import type { Drawing } from './layout.ts';
import { drawRect, drawText, stepArea } from './svg.ts';
import type { ConnectionLine, Timeline } from './timeline.ts';

/** All bars together are about so high; a bar has bounds of its own. */
const barsHeight = 260;
const barHeightMin = 6;
const barHeightMax = 16;
/** Its name has a line of its own: the bars' names are on the left, too. */
const headHeight = 18;
const legendHeight = 92;
/** Below it, not each bar is numbered. */
const textHeight = 12;
/** A key id of Apple's has ten. */
const credentialCharactersMax = 11;

export function connectionsPanel(timeline: Timeline, y: number): Drawing {
  const { connections, connectionsLeftOut, open } = timeline;
  const barHeight = Math.max(
    barHeightMin,
    Math.min(barHeightMax, Math.floor(barsHeight / Math.max(1, connections.length))),
  );
  const limitMax = Math.max(0, ...connections.flatMap(({ limit }) => limit.map((most) => most ?? 0)));
  const labelEvery = barHeight >= textHeight ? 1 : 5;
  const svg = [
    drawText(16, y + 12, 'Connections', { kind: 'name' }),
    ...legend(y + headHeight, Math.max(0, ...open), limitMax),
  ];
  for (const [row, connection] of connections.entries()) {
    const top = y + headHeight + row * barHeight;
    svg.push(...bar(connection, timeline, limitMax, top, barHeight));
    if (row % labelEvery !== 0) continue;
    const { ordinal, credential } = connection;
    const name = credential === null ? String(ordinal) : `${credential.slice(0, credentialCharactersMax)} ${ordinal}`;
    svg.push(drawText(left - 10, top + barHeight / 2 + 4, name, { kind: 'note', anchor: 'end' }));
  }
  let height = headHeight + Math.max(legendHeight, connections.length * barHeight);
  if (connectionsLeftOut > 0) {
    const text = `and ${connectionsLeftOut.toLocaleString('en-US')} more, which carried less`;
    svg.push(drawText(left, y + height + 14, text, { kind: 'note' }));
    height += 18;
  }
  return { svg, height };
}

function bar(
  connection: ConnectionLine,
  { buckets, bucketMs }: Timeline,
  limitMax: number,
  top: number,
  height: number,
): string[] {
  // A clock that was set back puts an end before its beginning.
  const xOf = (ms: number): number => left + Math.max(0, Math.min(1, ms / (buckets * bucketMs))) * plotWidth;
  const { openedMs, goAwayMs, closedMs, inFlight, limit, firstBucket, violations } = connection;
  const [from, to] = [xOf(openedMs), closedMs === null ? rightEdge : xOf(closedMs)];
  const tall = height - 2;
  const bottom = top + height - 1;
  const svg = [drawRect(from, top + 1, Math.max(1.5, to - from), tall, colours.bar)];
  // Without a limit that the client knew, nothing can be said of how full it was.
  const fullness = inFlight.map((streams, at) => {
    const most = limit[at];
    if (most === null || most === 0 || streams === 0) return 0;
    return Math.max(1 / tall, Math.min(1, streams / most)); // a pixel at least: it was in use
  });
  const bucketWidth = plotWidth / buckets;
  for (const [at, most] of limit.entries()) {
    if (most === null || most >= limitMax || most === 0) continue;
    const x = Math.max(from, left + (firstBucket + at) * bucketWidth);
    const end = Math.min(to, left + (firstBucket + at + 1) * bucketWidth);
    if (end > x) svg.push(drawRect(x, top + 1, end - x, tall, colours.lowered));
  }
  const frame = { left, bucketWidth, bottom, height: tall, top: 1, firstBucket };
  if (fullness.some((share) => share > 0)) {
    svg.push(`<path d="${stepArea(fullness, frame)}" fill="${colours.inFlight}"/>`);
  }
  if (closedMs !== null) svg.push(drawRect(to - 0.75, top + 1, 1.5, tall, colours.limit));
  if (goAwayMs !== null) svg.push(drawRect(xOf(goAwayMs) - 1.5, top, 3, height, colours.goAway));
  if (violations > 0) {
    svg.push(`<circle cx="${left - 4}" cy="${top + height / 2}" r="3" fill="${colours.violation}"/>`);
  }
  return svg;
}

function legend(y: number, openMax: number, limitMax: number): string[] {
  const x = rightEdge + 8;
  const text = (row: number, says: string): string => drawText(x + 14, y + 12 + row * 16, says, { kind: 'note' });
  return [
    text(0, `at most ${openMax.toLocaleString('en-US')} at once`),
    drawRect(x, y + 20, 9, 9, colours.inFlight),
    text(1, `in flight; full: ${limitMax.toLocaleString('en-US')}`),
    drawRect(x, y + 36, 9, 9, colours.lowered),
    text(2, 'limit is lower'),
    drawRect(x + 3, y + 52, 3, 10, colours.goAway),
    text(3, 'GOAWAY'),
    drawRect(x + 4, y + 68, 1.5, 10, colours.limit),
    text(4, 'closed'),
    `<circle cx="${x + 4.5}" cy="${y + 88}" r="3" fill="${colours.violation}"/>`,
    text(5, 'broke a rule'),
  ];
}
