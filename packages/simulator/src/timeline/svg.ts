// The few things that the drawing of a timeline needs of SVG: text that cannot break out, axes, areas and lines in steps.

export interface TextStyle {
  readonly kind?: 'title' | 'name' | 'note' | 'bad' | 'good';
  readonly anchor?: 'start' | 'middle' | 'end';
}

/** XML text: whatever is in it stays text, and characters that XML does not know are left out. */
function escapeText(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

export function drawText(x: number, y: number, text: string, { kind, anchor }: TextStyle = {}): string {
  const style = kind === undefined ? '' : ` class="${kind}"`;
  const end = anchor === undefined || anchor === 'start' ? '' : ` text-anchor="${anchor}"`;
  return `<text x="${px(x)}" y="${px(y)}"${style}${end}>${escapeText(text)}</text>`;
}

export function drawRect(x: number, y: number, width: number, height: number, fill: string, more = ''): string {
  return `<rect x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}" fill="${fill}"${more}/>`;
}

export function drawLine(x1: number, y1: number, x2: number, y2: number, kind: 'grid' | 'axis'): string {
  return `<path class="${kind}" d="M${px(x1)} ${px(y1)}L${px(x2)} ${px(y2)}"/>`;
}

/** Where a list with one number a bucket goes. */
export interface StepFrame {
  readonly left: number;
  readonly bucketWidth: number;
  /** The y of 0, and how many pixels above it `top` is. */
  readonly bottom: number;
  readonly height: number;
  readonly top: number;
  /** The bucket that the list begins with. Default 0. */
  readonly firstBucket?: number;
}

/** The outline of steps over the buckets; null leaves a gap. Runs of one height are one stroke. */
export function stepLine(values: readonly (number | null)[], frame: StepFrame): string {
  let path = '';
  let y: number | null = null;
  for (const [at, value] of values.entries()) {
    const next = value === null ? null : yOf(value, frame);
    if (next === y) continue;
    const x = px(frame.left + (at + (frame.firstBucket ?? 0)) * frame.bucketWidth);
    if (y !== null) path += `H${x}`;
    if (next !== null) path += y === null ? `M${x} ${px(next)}` : `V${px(next)}`;
    y = next;
  }
  if (y !== null) path += `H${px(frame.left + (values.length + (frame.firstBucket ?? 0)) * frame.bucketWidth)}`;
  return path;
}

/** The area under steps, from `floor` (default: 0) up. */
export function stepArea(values: readonly number[], frame: StepFrame, floor: readonly number[] = []): string {
  if (values.length === 0) return '';
  const top = stepLine(values, frame);
  const end = frame.left + (values.length + (frame.firstBucket ?? 0)) * frame.bucketWidth;
  let path = `${top}V${px(yOf(floor.at(values.length - 1) ?? 0, frame))}`;
  for (let at = values.length - 1; at >= 0; at -= 1) {
    const y = px(yOf(floor[at] ?? 0, frame));
    const isFlat = at > 0 && px(yOf(floor[at - 1] ?? 0, frame)) === y;
    if (isFlat) continue;
    path += `H${px(end - (values.length - at) * frame.bucketWidth)}`;
    if (at > 0) path += `V${px(yOf(floor[at - 1] ?? 0, frame))}`;
  }
  return `${path}Z`;
}

function yOf(value: number, { bottom, height, top }: StepFrame): number {
  return bottom - (Math.min(value, top) / top) * height;
}

/** Round numbers from 0 to a little above `largest`, about `lines` of them. */
export function ticksTo(largest: number, lines: number): number[] {
  const wanted = Math.max(largest, 1) / lines;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].map((times) => times * power).find((candidate) => candidate >= wanted) ?? wanted;
  const count = Math.ceil(Math.max(largest, 1) / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, at) => Math.round(at * step * 1e6) / 1e6);
}

/** 12,345 as 12.3 k: for axes. */
export function shortNumber(value: number): string {
  if (value >= 1_000_000) return `${trimmed(value / 1_000_000)} M`;
  if (value >= 10_000) return `${trimmed(value / 1_000)} k`;
  return value >= 1_000 ? value.toLocaleString('en-US') : trimmed(value);
}

function trimmed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** Tenths of a pixel are enough. */
function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}
