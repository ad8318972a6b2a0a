// What a simulator counts while it runs. One object a simulator; profiles add to it, `stats()` copies it.

export interface SimulatorStats {
  /** TCP connections accepted, those of them whose TLS handshake ended well, and those open now. */
  readonly connectionsAccepted: number;
  readonly connectionsSecured: number;
  readonly connectionsOpen: number;
  /** Complete requests, whatever was answered. */
  readonly requests: number;
  /** Complete replies. */
  readonly replies: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly reasons: Readonly<Record<string, number>>;
  /** Of the requests: broadcasts that were accepted. */
  readonly broadcasts: number;
  /** Requests to the port where channels are managed, what was refused there, and the channels there are now. */
  readonly channelCalls: number;
  readonly channelReasons: Readonly<Record<string, number>>;
  readonly channels: number;
  /** Streams above the live limit, answered with REFUSED_STREAM. */
  readonly streamsRefused: number;
  /** Most streams that were open at once on one connection. */
  readonly streamsPeak: number;
  /** RST_STREAM and PING frames of clients. */
  readonly resetsReceived: number;
  readonly pingsReceived: number;
  /** Connections ended because the client broke the protocol; `connectionFaults` names why. */
  readonly connectionFaults: Readonly<Record<string, number>>;
  readonly handshakeFaults: Readonly<Record<string, number>>;
  /** How often each scripted fault fired, by its id. */
  readonly fired: Readonly<Record<string, number>>;
  /** Epoch ms: when the gateway went away, and when it listened again; null: not yet. */
  readonly restarts: readonly { readonly atMs: number; readonly backAtMs: number | null }[];
  readonly ledgerEntries: number;
  /** Entries a memory ledger had no room for. */
  readonly ledgerOverflow: number;
  /** Of the simulator's process since it started: user + system. */
  readonly cpuMicros: number;
}

export class SimulatorCounters {
  connectionsSecured = 0;
  requests = 0;
  replies = 0;
  broadcasts = 0;
  streamsRefused = 0;
  streamsPeak = 0;
  resetsReceived = 0;
  pingsReceived = 0;
  readonly restarts: { readonly atMs: number; backAtMs: number | null }[] = [];
  readonly statuses: Map<string, number> = new Map();
  readonly reasons: Map<string, number> = new Map();
  readonly connectionFaults: Map<string, number> = new Map();
  readonly handshakeFaults: Map<string, number> = new Map();

  countReply(status: number, reason: string | null): void {
    this.replies += 1;
    increment(this.statuses, String(status));
    if (reason !== null) increment(this.reasons, reason);
  }
}

/** Distinct names a table keeps: they come from the peer, so there must be an end. */
const namesMax = 256;

export function increment(table: Map<string, number>, name: string): void {
  const key = table.has(name) || table.size < namesMax ? name : 'other';
  table.set(key, (table.get(key) ?? 0) + 1);
}
