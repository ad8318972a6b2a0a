// Counts the events of every engine of the process: an event does not say which engine it is from. So there is one
// counter a meter, however many engines are observed with it, and each event is counted once.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import type { Meter } from '@opentelemetry/api';

import { eventAttributes, eventChannelName, isEngineEvent } from './engine-event.ts';

const counts = new WeakMap<Meter, EventCount>();

/** Every caller disposes of its own share; the last one ends the subscription. */
export function countEvents(meter: Meter): Disposable {
  const count = counts.get(meter) ?? new EventCount(meter);
  counts.set(meter, count);
  return count.share();
}

class EventCount {
  readonly #listen: (message: unknown) => void;
  #shares = 0;

  constructor(meter: Meter) {
    const events = meter.createCounter('carillon.events', {
      unit: '{event}',
      description: 'What happened to connections, credentials and gateways, by event and reason',
    });
    const reasons = new Set<string>();
    this.#listen = (message) => {
      if (!isEngineEvent(message)) return;
      const attributes = eventAttributes(message);
      const { reason } = attributes;
      if (typeof reason === 'string' && !reasons.has(reason)) {
        if (reasons.size < reasonsMax) reasons.add(reason);
        else attributes.reason = 'other';
      }
      events.add(1, attributes);
    };
  }

  share(): Disposable {
    if (this.#shares === 0) subscribe(eventChannelName, this.#listen);
    this.#shares += 1;
    let isShared = true;
    return {
      [Symbol.dispose]: () => {
        if (!isShared) return;
        isShared = false;
        this.#shares -= 1;
        if (this.#shares === 0) unsubscribe(eventChannelName, this.#listen);
      },
    };
  }
}

/** 64 different reasons, as the engine's own count of replies: Apple has 40. */
const reasonsMax = 64;
