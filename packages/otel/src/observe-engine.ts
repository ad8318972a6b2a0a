// The one door: an engine and a meter in, a registration out. Nothing runs between two collections; each collection asks
// the engine for its figures once.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import type { EngineStats } from '@carillon/engine';
import type { Attributes, BatchObservableCallback, Meter, Span } from '@opentelemetry/api';

import { countEvents } from './count-events.ts';
import { eventAttributes, eventChannelName, isEngineEvent } from './engine-event.ts';
import { createInstruments } from './instruments.ts';
import { observeStats } from './observe-stats.ts';
import { RisingSums } from './rising-sums.ts';

/** What is observed: an engine, or anything with its figures. */
export interface ObservedEngine {
  stats(): EngineStats;
}

export interface ObserveOptions {
  readonly meter: Meter;
  /** Added to every figure of this engine. Two engines on one meter need different ones, or they overwrite each other. */
  readonly attributes?: Attributes;
  /**
   * Events of the engine are added to this span while it records. There is no default: what happens to a connection
   * happens in the context of whichever push opened it, so an active span would be the wrong one.
   */
  readonly span?: Span;
}

/** Registers the instruments and the counter of events. Disposing of the result takes both away; twice is as good as once. */
export function observeEngine(engine: ObservedEngine, { meter, attributes = {}, span }: ObserveOptions): Disposable {
  const instruments = createInstruments(meter);
  const observables = Object.values(instruments);
  const rising = new RisingSums();
  const observe: BatchObservableCallback = (result) => {
    observeStats(engine.stats(), rising, (instrument, value, own) => {
      result.observe(instruments[instrument], value, { ...attributes, ...own });
    });
  };
  const addToSpan = (message: unknown): void => {
    if (span?.isRecording() !== true || !isEngineEvent(message)) return;
    span.addEvent(`carillon.${message.kind}`, eventAttributes(message));
  };

  meter.addBatchObservableCallback(observe, observables);
  const counted = countEvents(meter);
  if (span !== undefined) subscribe(eventChannelName, addToSpan);
  return {
    [Symbol.dispose]: () => {
      meter.removeBatchObservableCallback(observe, observables);
      counted[Symbol.dispose]();
      unsubscribe(eventChannelName, addToSpan);
    },
  };
}
