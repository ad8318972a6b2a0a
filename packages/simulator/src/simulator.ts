// Starts Apple's side in this process: listener, TLS, profile, counters. `spawnSimulator` does it in another process.
import { createServer as createTlsServer } from 'node:tls';
import type { Server as TlsServer, TLSSocket } from 'node:tls';

import { SimulatorCounters } from './counters.ts';
import type { SimulatorStats } from './counters.ts';
import { increment } from './counters.ts';
import { createIdentity } from './identity.ts';
import type { SimulatorIdentity } from './identity.ts';
import { Listener } from './listener.ts';
import { FastProfile } from './profiles/fast.ts';
import type { Profile } from './profiles/profile.ts';
import type { SimulatorOptions, TlsOptions } from './simulator-options.ts';

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
  stats(): SimulatorStats;
  /** Drops every connection and frees the port. May be called twice. */
  close(): Promise<void>;
}

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const identity = options.identity ?? createIdentity();
  const counters = new SimulatorCounters();
  const profile = createProfile(options, counters);
  const secure = createSecureServer(identity, options.tls ?? {});
  const listener = new Listener(secure, { intercept: () => false });

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

  const close = async (): Promise<void> => {
    await listener.close();
  };
  return {
    port,
    endpoint: `https://127.0.0.1:${port}`,
    identity,
    ca: identity.ca,
    keyPem: identity.keyPem,
    keyId: identity.keyId,
    teamId: identity.teamId,
    stats: () => snapshot(counters, listener),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function createProfile(options: SimulatorOptions, counters: SimulatorCounters): Profile {
  return new FastProfile(counters, options.streamsMax === undefined ? {} : { streamsMax: options.streamsMax });
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

function snapshot(counters: SimulatorCounters, listener: Listener): SimulatorStats {
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
    fired: {},
    ledgerEntries: 0,
    ledgerOverflow: 0,
    cpuMicros: cpu.user + cpu.system,
  };
}
