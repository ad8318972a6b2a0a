// Apple's side inside somebody else's world: no port, no TLS, no clock and no chance of its own. Streams come from whoever
// embeds it, as sockets would: bytes arrive in turns of their own, and a write is done when there is room for it.
import type { Duplex } from 'node:stream';

import { X509Certificate } from 'node:crypto';

import type { SimulatorStats } from './counters.ts';
import { plainWire } from './http2-server/wire.ts';
import type { LedgerEntry } from './ledger.ts';
import { createStrictProfile, openGateway, statsOf } from './open-gateway.ts';
import type { SimulatorSeams } from './open-gateway.ts';
import type { RefereeReport } from './referee/report.ts';
import { readClientCertificate } from './rules/client-certificate.ts';
import type { ScriptedToken } from './rules/token-store.ts';
import type { LoadOptions, SimulatorOptions } from './simulator-options.ts';

/** Without port and TLS, which the embedder has; on our own frames. Faults on `accept` are the embedder's too. */
export type EmbeddedGatewayOptions = Omit<SimulatorOptions, 'port' | 'tls' | 'stack'>;

/** Who is at the other end of a stream. */
export interface EmbeddedPeer {
  /** Connections of one address count as one source. */
  readonly address: string;
  /** PEM of the client certificate it showed; null: none. */
  readonly certificatePem: string | null;
  /** What a connection reset does to the stream. Default: it is destroyed. */
  readonly reset?: () => void;
}

export interface EmbeddedGateway {
  /** What a memory ledger keeps. */
  readonly ledger: readonly LedgerEntry[];
  /** A new connection; answers its ordinal, from 1. */
  accept(stream: Duplex, peer: EmbeddedPeer): number;
  stats(): SimulatorStats;
  /** What the referee has found so far; null without one. */
  report(): RefereeReport | null;
  /** Scripts what a device token is answered from now on. */
  setToken(token: string, state: ScriptedToken): void;
  /** From now on the provider tokens of this key are invalid. */
  revokeKey(keyId: string): void;
  /** Fires a fault of the script, by its id, on every open connection. */
  fire(faultId: string): void;
  /** From now on it can do more work, or less. It must have been opened with `load`. */
  setLoad(load: Partial<LoadOptions>): void;
}

export function embedGateway(options: EmbeddedGatewayOptions, seams: SimulatorSeams): EmbeddedGateway {
  if (options.faults?.faults.some(({ when }) => when.on === 'accept') === true) {
    throw new Error('faults on "accept" belong to whoever makes the streams');
  }
  if (options.faults?.faults.some(({ action }) => action.kind === 'restart') === true) {
    throw new Error('a restart belongs to whoever makes the streams');
  }
  const opened = openGateway(options, seams, createStrictProfile);
  const { ledger, gateway, profile, marking } = opened;
  const counts = { accepted: 0, open: 0 };
  return {
    ledger: ledger.entries,
    accept(stream, { address, certificatePem, reset }) {
      const ordinal = ++counts.accepted;
      counts.open += 1;
      opened.counters.connectionsSecured += 1;
      const watched = gateway.referee?.connectionOpened(ordinal, address, gateway.nowMs()) ?? null;
      stream.once('close', () => {
        counts.open -= 1;
        watched?.closed(gateway.nowMs());
      });
      const der = certificatePem === null ? undefined : new X509Certificate(certificatePem).raw;
      profile.open(plainWire(stream, reset), { ordinal, address, certificate: readClientCertificate(der) });
      marking?.wake();
      return ordinal;
    },
    stats: () => statsOf(opened, counts),
    report: () => gateway.referee?.report(gateway.nowMs()) ?? null,
    setToken(token, state) {
      gateway.rules.tokens.set(token, state);
      gateway.referee?.registered(token);
    },
    revokeKey: (keyId) => gateway.rules.verifier.revokeKey(keyId),
    fire: (faultId) => profile.fire(faultId),
    setLoad: (load) => gateway.changeLoad(load),
  };
}
