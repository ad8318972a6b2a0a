export type { SessionCounters } from './counters.ts';
export type { GoAwayNotice } from './goaway.ts';
export type { Outbox } from './outbox.ts';
export type { PeerSettings } from './peer-settings.ts';
export type { Reply } from './reply.ts';
export type { SessionState } from './session-core.ts';
export type { SessionClosure, SessionEvents, StreamFailure } from './session-events.ts';
export type { FloodLimits, FloodName, FloodRate, SessionOptions } from './session-options.ts';
export { Session } from './session.ts';
// A session takes templates that its encoder made: who opens streams needs no other part of the frames.
export { HeaderTemplate, type HeaderField, type HeaderSlot, type HpackEncoder } from '@carillon/frames';
