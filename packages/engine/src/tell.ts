/** Events go to the embedder's callback and to `diagnostics_channel`, and neither can harm the engine. */
import { channel } from 'node:diagnostics_channel';
import type { EngineEvent } from './events.ts';

/** Name of the channel that carries every `EngineEvent`. */
export const eventChannelName = 'carillon:engine:event';

export function teller(onEvent: ((event: EngineEvent) => void) | undefined): (event: EngineEvent) => void {
  const events = channel(eventChannelName);
  return (event) => {
    if (events.hasSubscribers) events.publish(event);
    if (onEvent === undefined) return;
    try {
      onEvent(event);
    } catch (error) {
      // Its error is the embedder's: it surfaces as such, after the engine has finished what it was doing.
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}
