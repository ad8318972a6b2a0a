// What an event of the engine is called by in metrics: a few words, never its message, its connection or its address.
import type { EngineEvent } from '@carillon/engine';
import type { Attributes } from '@opentelemetry/api';

import { reasonLabel } from './reason-label.ts';

/** The engine's own constant, said again: only its types are imported. A test holds the two together. */
export const eventChannelName = 'carillon:engine:event';

/** Anybody may publish on a channel, and an engine of another version may know other kinds. */
export function isEngineEvent(message: unknown): message is EngineEvent {
  if (typeof message !== 'object' || message === null) return false;
  const { kind, endpoint } = message as Record<string, unknown>; // an object: any property may be looked at
  return typeof kind === 'string' && typeof endpoint === 'string';
}

export function eventAttributes(event: EngineEvent): Attributes {
  const { kind, endpoint } = event;
  const attributes: Attributes = { event: kind, endpoint };
  if (kind === 'topic-fault') attributes.app = event.app;
  const reason = reasonOf(event);
  if (reason !== null) attributes.reason = reasonLabel(reason);
  return attributes;
}

function reasonOf(event: EngineEvent): string | null {
  switch (event.kind) {
    case 'connection-closed':
      return event.because;
    case 'dial-failed':
      return event.code;
    case 'goaway':
    case 'credential-fault':
    case 'topic-fault':
      return event.reason;
    default:
      return null;
  }
}
