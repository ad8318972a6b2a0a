// What a spawned simulator and its parent say to each other over IPC: one request, one answer, matched by number.
import type { SimulatorStats } from './counters.ts';
import type { SimulatorIdentity } from './identity.ts';
import type { LedgerEntry } from './ledger.ts';
import type { RefereeReport } from './referee/report.ts';
import type { ScriptedToken } from './rules/token-store.ts';
import type { LoadOptions, SimulatorOptions } from './simulator-options.ts';

export type ControlCall =
  | { readonly kind: 'start'; readonly options: SimulatorOptions }
  | { readonly kind: 'stats' }
  | { readonly kind: 'ledger' }
  | { readonly kind: 'report' }
  | { readonly kind: 'set-token'; readonly token: string; readonly state: ScriptedToken }
  | { readonly kind: 'fire'; readonly faultId: string }
  | { readonly kind: 'set-load'; readonly load: Partial<LoadOptions> }
  | { readonly kind: 'advance-clock'; readonly byMs: number }
  | { readonly kind: 'close' };

export interface ControlRequest {
  readonly number: number;
  readonly call: ControlCall;
}

export type ControlAnswer =
  | {
      readonly kind: 'started';
      readonly port: number;
      readonly channelsEndpoint: string;
      readonly identity: SimulatorIdentity;
    }
  | { readonly kind: 'stats'; readonly stats: SimulatorStats }
  | { readonly kind: 'ledger'; readonly entries: readonly LedgerEntry[] }
  | { readonly kind: 'report'; readonly report: RefereeReport | null }
  | { readonly kind: 'done' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'failed'; readonly message: string };

export interface ControlResponse {
  readonly number: number;
  readonly answer: ControlAnswer;
}
