// What all connections of a simulator share, on either stack: the rules, the clock, the ledger and the counters.
import { createHash } from 'node:crypto';

import { increment } from '../counters.ts';
import type { SimulatorCounters } from '../counters.ts';
import type { SimulatorIdentity } from '../identity.ts';
import type { Ledger, LedgerOptions } from '../ledger.ts';
import type { Referee } from '../referee/referee.ts';
import { topicOf } from '../rules/authentication.ts';
import type { ConnectionRecord } from '../rules/authentication.ts';
import { ChannelStore } from '../rules/channel-store.ts';
import { DeviceRate } from '../rules/device-rate.ts';
import { broadcastAppOf, judgeBroadcast } from '../rules/judge-broadcast.ts';
import { judgeChannelCall } from '../rules/judge-channels.ts';
import { defaultCheckOrder, judgeRequest, tokenOf } from '../rules/judge-request.ts';
import type { Answer, GatewayRules } from '../rules/judge-request.ts';
import { ProviderTokenVerifier } from '../rules/provider-token.ts';
import { fieldValue } from '../rules/request.ts';
import type { PushRequest } from '../rules/request.ts';
import { SourceTokens } from '../rules/source-tokens.ts';
import { TokenStore } from '../rules/token-store.ts';
import type { SimulatorClock, SimulatorRandom } from '../seams.ts';
import type { LatencyOptions, LoadOptions, RuleOptions } from '../simulator-options.ts';
import type { LoadQueue } from './load-queue.ts';

/** Where a request came in. */
export interface RequestOrigin {
  readonly connection: number;
  readonly stream: number;
}

export class Gateway {
  /** `channels`: channel management, and nothing else. */
  readonly service: 'pushes' | 'channels';
  readonly clock: SimulatorClock;
  readonly rules: GatewayRules;
  readonly counters: SimulatorCounters;
  readonly ledger: Ledger;
  /** Null: nobody judges. */
  referee: Referee | null = null;
  /** Null: replies at once. */
  latency: LatencyOptions | null = null;
  /** Null: it can do any work. */
  load: LoadQueue | null = null;
  readonly #sampleEvery: number;
  readonly #hashesPayload: boolean;
  readonly #recordsNothing: boolean;
  /** Drops the connections, and listens again later: who listens knows how. Null: nobody does. */
  onRestart: ((awayMs: number) => void) | null = null;
  /** 1, and one more after each restart. */
  life = 1;
  #clockOffsetMs = 0;
  #isoMs = Number.NaN;
  #iso = '';

  constructor(
    rules: GatewayRules,
    counters: SimulatorCounters,
    ledger: Ledger,
    ledgerOptions: LedgerOptions,
    clock: SimulatorClock,
    service: 'pushes' | 'channels' = 'pushes',
  ) {
    this.service = service;
    this.clock = clock;
    this.rules = rules;
    this.counters = counters;
    this.ledger = ledger;
    this.#sampleEvery = ledgerOptions.sampleEvery ?? 1;
    this.#hashesPayload = ledgerOptions.payloadSha256 ?? false;
    this.#recordsNothing = ledgerOptions.kind === 'none';
  }

  nowMs(): number {
    return this.clock.epochMs() + this.#clockOffsetMs;
  }

  /** Lets an hour pass for provider tokens and certificates, not for timers. */
  advanceClock(byMs: number): void {
    this.#clockOffsetMs += byMs;
  }

  changeLoad(load: Partial<LoadOptions>): void {
    if (this.load === null) throw new Error('this gateway was started without load');
    this.load.change(load);
  }

  restart(awayMs: number): void {
    if (this.onRestart === null) throw new Error('this gateway cannot be restarted');
    this.onRestart(awayMs);
  }

  /** How long to think about one reply. */
  latencyMs(): number {
    if (this.latency === null) return 0;
    return this.latency.replyMs + this.rules.random.next() * (this.latency.spreadMs ?? 0);
  }

  /** `body`: what was kept of it. */
  judge(request: PushRequest, body: Buffer, connection: ConnectionRecord): Answer {
    this.counters.requests += 1;
    if (this.service === 'channels') return judgeChannelCall(request, body, connection, this.rules, this.nowMs());
    const app = broadcastAppOf(request.path);
    if (app !== null) {
      const answer = judgeBroadcast(request, app, connection, this.rules, this.nowMs());
      if (answer.status === 200) this.counters.broadcasts += 1;
      return answer;
    }
    return judgeRequest(request, connection, this.rules, this.nowMs());
  }

  /** The push was taken, whether or not its answer ever arrives. `body`: what was kept of it. */
  record(
    request: PushRequest,
    body: Buffer,
    connection: ConnectionRecord,
    answer: Answer,
    origin: RequestOrigin,
  ): void {
    if (this.#recordsNothing) return;
    if (this.#sampleEvery > 1 && this.counters.requests % this.#sampleEvery !== 0) return;
    this.ledger.record({
      at: this.#isoNow(),
      connection: origin.connection,
      stream: origin.stream,
      token: tokenOf(request.path) ?? request.path,
      ...channelIn(request),
      apnsId: answer.apnsId,
      topic: topicOf(request, connection),
      pushType: fieldValue(request, 'apns-push-type'),
      priority: fieldValue(request, 'apns-priority'),
      expiration: fieldValue(request, 'apns-expiration'),
      collapseId: fieldValue(request, 'apns-collapse-id'),
      payloadBytes: request.bodyBytes,
      ...(this.life === 1 ? {} : { life: this.life }),
      ...(this.#hashesPayload ? { payloadSha256: hashOf(body, request.bodyBytes) } : {}),
      status: answer.kind === 'reply' ? answer.status : null,
      reason: answer.kind === 'reply' ? answer.reason : null,
    });
  }

  /** Thousands of entries share a millisecond's text. */
  #isoNow(): string {
    const now = this.nowMs();
    if (now !== this.#isoMs) {
      this.#isoMs = now;
      this.#iso = new Date(now).toISOString();
    }
    return this.#iso;
  }

  countFault(message: string): void {
    increment(this.counters.connectionFaults, message);
  }
}

function channelIn(request: PushRequest): { readonly channel?: string } {
  const channel = broadcastAppOf(request.path) === null ? null : fieldValue(request, 'apns-channel-id');
  return channel === null ? {} : { channel };
}

function hashOf(body: Buffer, bodyBytes: number): string | null {
  return body.length === bodyBytes ? createHash('sha256').update(body).digest('hex') : null;
}

export function createRules(identity: SimulatorIdentity, options: RuleOptions, random: SimulatorRandom): GatewayRules {
  const own = { keyId: identity.keyId, teamId: identity.teamId, publicKeyPem: identity.publicKeyPem };
  const environment = options.environment ?? 'production';
  const tokens = new TokenStore(options.unknownTokens ?? 'ok');
  for (const [token, state] of Object.entries(options.tokens ?? {})) tokens.set(token, state);
  return {
    environment,
    verifier: new ProviderTokenVerifier([own, ...(options.keys ?? [])], options.acceptsDerSignatures ?? false),
    bundleIds: options.bundleIds ?? null,
    checksTopicSuffix: options.checksTopicSuffix ?? true,
    poisonsExpired: options.poisonsExpired ?? false,
    sourceTokens: options.countsTokensPerSource === true ? new SourceTokens() : null,
    tokens,
    channels: new ChannelStore(random, options.channelsMax),
    broadcastBundleIds: options.broadcastBundleIds ?? null,
    spellings: options.spellings ?? 'wire',
    random,
    deviceRate: options.deviceRate === undefined ? null : new DeviceRate(options.deviceRate),
    checkOrder: options.checkOrder ?? defaultCheckOrder,
    generatesUpperCaseIds: options.generatesUpperCaseIds ?? true,
    sendsUniqueId: options.sendsUniqueId ?? environment === 'sandbox',
  };
}
