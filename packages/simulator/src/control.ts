// What a spawned simulator and its parent say to each other over IPC: one request, one answer, matched by number.
import type { SimulatorStats } from './counters.ts';
import type { SimulatorIdentity } from './identity.ts';
import type { SimulatorOptions } from './simulator-options.ts';

export type ControlCall =
  | { readonly kind: 'start'; readonly options: SimulatorOptions }
  | { readonly kind: 'stats' }
  | { readonly kind: 'close' };

export interface ControlRequest {
  readonly number: number;
  readonly call: ControlCall;
}

export type ControlAnswer =
  | { readonly kind: 'started'; readonly port: number; readonly identity: SimulatorIdentity }
  | { readonly kind: 'stats'; readonly stats: SimulatorStats }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly message: string };

export interface ControlResponse {
  readonly number: number;
  readonly answer: ControlAnswer;
}
