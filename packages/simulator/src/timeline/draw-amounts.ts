// One panel of amounts over time: areas, stacked areas and lines on one scale from zero, with ticks and a legend.
import { left, plotWidth, rightEdge } from './layout.ts';
import type { Drawing } from './layout.ts';
import { drawLine, drawRect, drawText, shortNumber, stepArea, stepLine, ticksTo } from './svg.ts';
import type { StepFrame } from './svg.ts';

export interface Layer {
  readonly name: string;
  readonly colour: string;
  /** One a bucket; null: nothing to show. */
  readonly values: readonly (number | null)[];
  readonly as: 'area' | 'line' | 'stack';
}

export interface AmountPanel {
  readonly y: number;
  readonly height: number;
  readonly name: string;
  readonly unit: string;
  readonly layers: readonly Layer[];
  /** For the legend, one a layer. Null: what is shown has no total. Layers whose total is 0 are not drawn. */
  readonly totals: readonly number[] | null;
  readonly buckets: number;
}

export function amountPanel({ y, height, name, unit, layers, totals, buckets }: AmountPanel): Drawing {
  const svg = [drawText(16, y + 12, name, { kind: 'name' }), drawText(16, y + 27, unit, { kind: 'note' })];
  const shown = layers.flatMap((layer, at) => (totals?.[at] === 0 ? [] : [{ layer, total: totals?.[at] ?? null }]));
  const ticks = ticksTo(highestOf(shown.map(({ layer }) => layer)), height > 100 ? 4 : 2);
  const top = ticks.at(-1) ?? 1;
  const bottom = y + height;
  for (const tick of ticks) {
    const tickY = bottom - (tick / top) * height;
    svg.push(drawLine(left, tickY, rightEdge, tickY, tick === 0 ? 'axis' : 'grid'));
    svg.push(drawText(left - 8, tickY + 4, shortNumber(tick), { kind: 'note', anchor: 'end' }));
  }
  const frame: StepFrame = { left, bucketWidth: plotWidth / buckets, bottom, height, top };
  let floor = Array<number>(buckets).fill(0);
  for (const { layer } of shown) {
    const amounts = layer.values.map((value) => value ?? 0);
    if (layer.as === 'line') {
      svg.push(`<path d="${stepLine(layer.values, frame)}" fill="none" stroke="${layer.colour}" stroke-width="1.5"/>`);
    } else if (layer.as === 'area') {
      svg.push(`<path d="${stepArea(amounts, frame)}" fill="${layer.colour}"/>`);
    } else {
      const ceiling = floor.map((value, at) => value + amounts[at]);
      svg.push(`<path d="${stepArea(ceiling, frame, floor)}" fill="${layer.colour}"/>`);
      floor = ceiling;
    }
  }
  if (shown.length === 0) svg.push(drawText(left + 8, bottom - 8, 'none', { kind: 'note' }));
  for (const [row, { layer, total }] of shown.entries()) {
    const textY = y + 12 + row * 16;
    svg.push(drawRect(rightEdge + 8, textY - 8, 9, 9, layer.colour));
    const says = total === null ? layer.name : `${layer.name} ${total.toLocaleString('en-US')}`;
    svg.push(drawText(rightEdge + 22, textY, says, { kind: 'note' }));
  }
  return { svg, height };
}

/** Stacked layers count together. */
function highestOf(layers: readonly Layer[]): number {
  let highest = 0;
  const stack: number[] = [];
  for (const { values, as } of layers) {
    for (const [at, value] of values.entries()) {
      if (as === 'stack') stack[at] = (stack[at] ?? 0) + (value ?? 0);
      highest = Math.max(highest, as === 'stack' ? stack[at] : (value ?? 0));
    }
  }
  return highest;
}
