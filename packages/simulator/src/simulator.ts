// Starts Apple's side in this process: listener, TLS, profile, counters. `spawnSimulator` does it in another process.
import type { Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Server as TlsServer, TLSSocket } from 'node:tls';

import { increment } from './counters.ts';
import type { SimulatorStats } from './counters.ts';
import type { FaultPlan } from './faults/fault-plan.ts';
import type { HandshakeAction } from './faults/fault-script.ts';
import { actOnHandshake } from './faults/handshake-actions.ts';
import type { SimulatorIdentity } from './identity.ts';
import type { LedgerEntry } from './ledger.ts';
import { Listener } from './listener.ts';
import { Restarts } from './restarts.ts';
import { createChannelProfile, createProfile, openGateway, statsOf } from './open-gateway.ts';
import type { OpenGateway } from './open-gateway.ts';
import type { Gateway } from './profiles/gateway.ts';
import type { Profile } from './profiles/profile.ts';
import type { RefereeReport } from './referee/report.ts';
import type { ScriptedToken } from './rules/token-store.ts';
import { systemClock, systemRandom } from './seams.ts';
import type { LoadOptions, SimulatorOptions, TlsOptions } from './simulator-options.ts';

export interface Simulator extends AsyncDisposable {
  readonly port: number;
  /** `https://127.0.0.1:PORT`. */
  readonly endpoint: string;
  /** The same for channel management: another port, as Apple has it. */
  readonly channelsEndpoint: string;
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
  /** From now on the gateway can do more work, or less. It must have been started with `load`. */
  setLoad(load: Partial<LoadOptions>): void;
  /** Lets time pass for provider tokens and certificates. */
  advanceClock(byMs: number): void;
  /** Drops every connection, frees the port and finishes the ledger. May be called twice. */
  close(): Promise<void>;
}

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  if (options.stack === 'node' && options.faults !== undefined) {
    throw new Error('faults need the stack "frames": node:http2 does not write bad frames');
  }
  if (options.stack === 'node' && options.load !== undefined) throw new Error('load needs the stack "frames"');
  const opened = openGateway(options, { clock: systemClock, random: systemRandom }, createProfile);
  const { identity, counters, ledger, plan, gateway, profile, marking } = opened;
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
    marking?.wake();
  });
  secure.on('tlsClientError', (error: Error) => increment(counters.handshakeFaults, error.message));
  const port = await listener.listen(options.port ?? 0);
  const channels = await openChannels(options, opened).catch(async (error: unknown) => {
    await listener.close();
    throw error;
  });
  const restarts = new Restarts(opened, listener, port);
  gateway.onRestart = (awayMs) => restarts.begin(awayMs);

  const closeAll = async (): Promise<void> => {
    marking?.stop();
    restarts.stop();
    await Promise.all([listener.close(), channels.listener.close()]);
    await ledger.close();
  };
  let closed: Promise<void> | null = null;
  const close = (): Promise<void> => (closed ??= closeAll());

  return {
    port,
    endpoint: `https://127.0.0.1:${port}`,
    channelsEndpoint: `https://127.0.0.1:${channels.port}`,
    identity,
    ca: identity.ca,
    keyPem: identity.keyPem,
    keyId: identity.keyId,
    teamId: identity.teamId,
    ledger: ledger.entries,
    stats: () => statsOf(opened, listener),
    report: () => gateway.referee?.report(gateway.nowMs()) ?? null,
    setToken: (token, state) => {
      gateway.rules.tokens.set(token, state);
      gateway.referee?.registered(token);
    },
    fire: (faultId) => profile.fire(faultId),
    setLoad: (load) => gateway.changeLoad(load),
    advanceClock: (byMs) => {
      gateway.advanceClock(byMs);
      opened.channels.advanceClock(byMs);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The port where channels are managed: the same identity and rules, and neither faults nor a referee. */
async function openChannels(
  options: SimulatorOptions,
  { identity, channels }: OpenGateway<Profile>,
): Promise<{ readonly listener: Listener; readonly port: number }> {
  const profile = createChannelProfile(options, channels);
  const secure = createSecureServer(identity, options.tls ?? {});
  const listener = new Listener(secure, { intercept: () => false });
  secure.on('secureConnection', (socket: TLSSocket) => {
    const accepted = listener.rawOf(socket);
    if (accepted === null) socket.destroy();
    else profile.accept(socket, accepted);
  });
  secure.on('tlsClientError', (error: Error) => increment(channels.counters.handshakeFaults, error.message));
  return { listener, port: await listener.listen(options.channelsPort ?? 0) };
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
