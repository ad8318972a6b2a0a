// Starts Apple's side in this process: listener, TLS, profile, counters. `spawnSimulator` does it in another process.
import type { Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Server as TlsServer, TLSSocket } from 'node:tls';

import { increment, SimulatorCounters } from './counters.ts';
import type { SimulatorStats } from './counters.ts';
import { FaultPlan } from './faults/fault-plan.ts';
import type { HandshakeAction } from './faults/fault-script.ts';
import { parseFaultScript } from './faults/parse-fault-script.ts';
import { actOnHandshake } from './faults/handshake-actions.ts';
import { createIdentity } from './identity.ts';
import type { SimulatorIdentity } from './identity.ts';
import { openLedger } from './ledger.ts';
import type { Ledger, LedgerEntry } from './ledger.ts';
import { Listener } from './listener.ts';
import { FastProfile } from './profiles/fast.ts';
import { createRules, Gateway } from './profiles/gateway.ts';
import type { Profile } from './profiles/profile.ts';
import { StrictNodeProfile } from './profiles/strict-node.ts';
import { StrictProfile } from './profiles/strict.ts';
import { Referee } from './referee/referee.ts';
import type { RefereeReport } from './referee/report.ts';
import type { ScriptedToken } from './rules/token-store.ts';
import type { Http2Options, RuleOptions, SimulatorOptions, TlsOptions } from './simulator-options.ts';

export interface Simulator extends AsyncDisposable {
  readonly port: number;
  /** `https://127.0.0.1:PORT`. */
  readonly endpoint: string;
  readonly identity: SimulatorIdentity;
  /** Shorthands of `identity`: what a client needs. */
  readonly ca: string;
  readonly keyPem: string;
  readonly keyId: string;
  readonly teamId: string;
  /** What a memory ledger keeps; empty for the other kinds. */
  readonly ledger: readonly LedgerEntry[];
  stats(): SimulatorStats;
  /** What the referee has found so far; null without one. */
  report(): RefereeReport | null;
  /** Scripts what a device token is answered from now on. */
  setToken(token: string, state: ScriptedToken): void;
  /** Fires a fault of the script, by its id, on every open connection. */
  fire(faultId: string): void;
  /** Lets time pass for provider tokens and certificates. */
  advanceClock(byMs: number): void;
  /** Drops every connection, frees the port and finishes the ledger. May be called twice. */
  close(): Promise<void>;
}

/** The referee's PINGs are looked after this often; each connection gets one in 250 ms at most. */
const markLookMs = 50;

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  if (options.stack === 'node' && options.faults !== undefined) {
    throw new Error('faults need the stack "frames": node:http2 does not write bad frames');
  }
  const identity = options.identity ?? createIdentity();
  const ledgerOptions = options.ledger ?? { kind: 'none' };
  const counters = new SimulatorCounters();
  const ledger = openLedger(ledgerOptions);
  const plan = new FaultPlan(options.faults === undefined ? null : parseFaultScript(options.faults));
  const gateway = new Gateway(createRules(identity, rulesOf(options)), counters, ledger, ledgerOptions);
  gateway.referee = createReferee(options, gateway.nowMs());
  gateway.latency = options.latency ?? null;
  const profile = createProfile(options, gateway, plan);
  const marking = gateway.referee === null ? null : setInterval(() => profile.mark(), markLookMs).unref();
  const secure = createSecureServer(identity, options.tls ?? {});
  const listener = new Listener(secure, {
    intercept: (raw, ordinal) => interceptHandshake(plan, gateway, raw, ordinal),
  });

  secure.on('secureConnection', (socket: TLSSocket) => {
    const accepted = listener.rawOf(socket);
    if (accepted === null) {
      socket.destroy(); // reset while the handshake ended
      return;
    }
    counters.connectionsSecured += 1;
    profile.accept(socket, accepted);
  });
  secure.on('tlsClientError', (error: Error) => increment(counters.handshakeFaults, error.message));
  const port = await listener.listen(options.port ?? 0);

  const closeAll = async (): Promise<void> => {
    if (marking !== null) clearInterval(marking);
    await listener.close();
    await ledger.close();
  };
  let closed: Promise<void> | null = null;
  const close = (): Promise<void> => (closed ??= closeAll());

  return {
    port,
    endpoint: `https://127.0.0.1:${port}`,
    identity,
    ca: identity.ca,
    keyPem: identity.keyPem,
    keyId: identity.keyId,
    teamId: identity.teamId,
    ledger: ledger.entries,
    stats: () => snapshot(counters, listener, ledger, plan),
    report: () => gateway.referee?.report(gateway.nowMs()) ?? null,
    setToken: (token, state) => {
      gateway.rules.tokens.set(token, state);
      gateway.referee?.registered(token);
    },
    fire: (faultId) => profile.fire(faultId),
    advanceClock: (byMs) => gateway.advanceClock(byMs),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function createProfile(options: SimulatorOptions, gateway: Gateway, plan: FaultPlan): Profile {
  const http2 = options.http2 ?? {};
  if (options.profile !== 'fast') {
    return options.stack === 'node' ? new StrictNodeProfile(gateway, http2) : new StrictProfile(gateway, http2, plan);
  }
  const isWatched = gateway.referee !== null || (options.ledger?.kind ?? 'none') !== 'none';
  const isBare = plan.isEmpty && !isWatched && gateway.latency === null && options.stack !== 'node';
  if (isBare) return new FastProfile(gateway.counters, http2);
  const open = { ...wideWindows, ...http2, streamsBeforeAuthentication: http2.streamsMax ?? 1_000 };
  return options.stack === 'node' ? new StrictNodeProfile(gateway, open) : new StrictProfile(gateway, open, plan);
}

/** "fast" never lets a client wait for a WINDOW_UPDATE: 16 MiB a connection, 1 MiB a stream. */
const wideWindows: Http2Options = { windowIncrement: 16_777_216, initialWindowSize: 1_048_576 };

/** "fast" asks nothing of a request, whichever connection it runs on. */
function rulesOf(options: SimulatorOptions): RuleOptions {
  return options.profile === 'fast' ? { ...options.rules, checkOrder: [] } : (options.rules ?? {});
}

function createReferee({ referee }: SimulatorOptions, now: number): Referee | null {
  if (referee === undefined || referee === false) return null;
  return new Referee(referee === true ? {} : referee, now);
}

function interceptHandshake(plan: FaultPlan, gateway: Gateway, raw: Socket, ordinal: number): boolean {
  const watched = gateway.referee?.connectionOpened(ordinal, raw.remoteAddress ?? 'unknown', gateway.nowMs()) ?? null;
  if (watched !== null) raw.once('close', () => watched.closed(gateway.nowMs()));
  const actions = plan.watch(ordinal).onEvent('accept');
  for (const action of actions) actOnHandshake(raw, action as HandshakeAction); // the script parser lets no other one here
  if (actions.length > 0) watched?.excuse();
  return actions.length > 0;
}

function createSecureServer(identity: SimulatorIdentity, tls: TlsOptions): TlsServer {
  const isLegacy = tls.maxVersion === 'TLSv1' || tls.maxVersion === 'TLSv1.1';
  return createTlsServer({
    cert: identity.server.certificatePem,
    key: identity.server.keyPem,
    // APNs asks for a certificate and does not insist (apns-protocol.md A.1).
    ca: [identity.ca],
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: tls.minVersion ?? (isLegacy ? 'TLSv1' : 'TLSv1.2'),
    ...(tls.maxVersion === undefined ? {} : { maxVersion: tls.maxVersion }),
    // OpenSSL 3 allows TLS below 1.2 only at security level 0: it is here to be refused by clients.
    ...(isLegacy ? { ciphers: 'DEFAULT:@SECLEVEL=0' } : {}),
    // Clients without ALPN are served too: HTTP/2 with prior knowledge, as the real gateway does (A.1).
    ...(tls.alpn === 'none' ? {} : { ALPNProtocols: [tls.alpn ?? 'h2'] }),
  });
}

function snapshot(counters: SimulatorCounters, listener: Listener, ledger: Ledger, plan: FaultPlan): SimulatorStats {
  const cpu = process.cpuUsage();
  return {
    connectionsAccepted: listener.accepted,
    connectionsSecured: counters.connectionsSecured,
    connectionsOpen: listener.open,
    requests: counters.requests,
    replies: counters.replies,
    statuses: Object.fromEntries(counters.statuses),
    reasons: Object.fromEntries(counters.reasons),
    streamsRefused: counters.streamsRefused,
    streamsPeak: counters.streamsPeak,
    resetsReceived: counters.resetsReceived,
    pingsReceived: counters.pingsReceived,
    connectionFaults: Object.fromEntries(counters.connectionFaults),
    handshakeFaults: Object.fromEntries(counters.handshakeFaults),
    fired: plan.fired(),
    ledgerEntries: ledger.count,
    ledgerOverflow: ledger.overflow,
    cpuMicros: cpu.user + cpu.system,
  };
}
