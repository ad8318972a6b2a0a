/**
 * An outlet: one credential in one environment. Its tracks carry the pushes of the apps that lead here, clean ones and those
 * on probation; the outlet takes what comes back to where it belongs, and reacts to what a verdict says of connection,
 * credential and gateway.
 */
import { findReason, reactionsTo } from '@carillon/apns';
import type { Abandonment, EpochMs, PushCertificate, Verdict } from '@carillon/apns';
import type { Connection, PoolNotice, PoolOptions, Reply } from '@carillon/pool';
import type { App } from './app.ts';
import { Binding } from './binding.ts';
import { Breaker, gatewayBreaker, topicBreaker } from './breaker.ts';
import type { BreakerState } from './breaker.ts';
import { connectionEvent } from './connection-events.ts';
import { CredentialWatch } from './credential-state.ts';
import type { CredentialState } from './credential-state.ts';
import { badDeviceToken, withHint, wrongEnvironmentMessage } from './environment-hint.ts';
import { parkedBecause } from './parked-because.ts';
import type { Lanes } from './lane.ts';
import type { Pipeline } from './pipeline.ts';
import type { Push } from './push.ts';
import { ReasonCounts } from './reason-counts.ts';
import { acceptedOutcome, judgeReply } from './reply.ts';
import { settleRetry } from './settle.ts';
import type { TokenSource } from './signer.ts';
import { Track } from './track.ts';
import type { TrackOwner } from './track.ts';

/** What identifies us: either gives tokens, or is a certificate. */
export interface OutletIdentity {
  readonly tokens: TokenSource | null;
  readonly certificate: PushCertificate | null;
}

export class Outlet implements TrackOwner {
  readonly endpoint: string;
  readonly reasons: ReasonCounts = new ReasonCounts();
  readonly breaker: Breaker;
  readonly #pipeline: Pipeline;
  readonly #tokens: TokenSource | null;
  readonly #authority: string;
  readonly #certificateEndsMs: EpochMs | null;
  readonly #poolOptions: PoolOptions;
  readonly #apps: App[] = [];
  /** Of the apps and of their campaigns. */
  readonly #lanes = new Set<Lanes>();
  readonly #clean: Track;
  /** Made when there is a push for it: most engines never have one. */
  #probation: Track | null = null;
  readonly #credential = new CredentialWatch();
  /** APNs has taken the credential once. */
  #wasTrusted = false;
  /** Monotonic ms: the signer failed, and there is no provider token before. */
  #noTokenUntil = 0;

  /** `identity.tokens` is null for a client certificate, which is in `pool`. */
  constructor(pool: PoolOptions, authority: string, identity: OutletIdentity, pipeline: Pipeline) {
    const { tokens, certificate } = identity;
    this.#certificateEndsMs = certificate?.validToMs ?? null;
    this.endpoint = `${pool.host}:${pool.port}`;
    this.#authority = authority;
    this.#tokens = tokens;
    this.#pipeline = pipeline;
    this.breaker = new Breaker(gatewayBreaker, pipeline.random);
    this.#poolOptions = pool;
    this.#clean = new Track(pool, false, this, pipeline);
  }

  get health(): { readonly credential: CredentialState['kind']; readonly breaker: BreakerState } {
    const isParked = this.isParked(this.#pipeline.clock.now());
    return { credential: isParked ? 'parked' : this.#credential.state.kind, breaker: this.breaker.state };
  }

  get apps(): readonly App[] {
    return this.#apps;
  }

  get tracks(): readonly Track[] {
    return this.#probation === null ? [this.#clean] : [this.#clean, this.#probation];
  }

  addApp(app: App): void {
    this.#apps.push(app);
    for (const lanes of [app, ...app.campaigns]) this.addLanes(lanes);
  }

  removeApp(app: App): void {
    this.#apps.splice(this.#apps.indexOf(app), 1);
    for (const lanes of [app, ...app.campaigns]) this.removeLanes(lanes);
  }

  addLanes(lanes: Lanes): void {
    this.#lanes.add(lanes);
    this.#clean.turns.add(lanes.lane);
    this.#probation?.turns.add(lanes.probationLane);
    this.wake();
  }

  removeLanes(lanes: Lanes): void {
    this.#lanes.delete(lanes);
    this.#clean.turns.remove(lanes.lane);
    this.#probation?.turns.remove(lanes.probationLane);
  }

  get waiting(): number {
    return this.tracks.reduce((sum, track) => sum + track.waiting, 0);
  }

  get onWire(): number {
    return this.tracks.reduce((sum, track) => sum + track.onWire, 0);
  }

  get isTokenAwaited(): boolean {
    return this.#tokens?.isAwaited === true;
  }

  /** Work has come into a lane. */
  wake(): void {
    if (this.#clean.waiting > 0) this.#clean.wake();
    for (const { probationLane } of this.#lanes) {
      if (probationLane.depth === 0) continue;
      this.#probationTrack().wake();
      return;
    }
  }

  isParked(now: number): boolean {
    return now < this.#noTokenUntil || this.#credential.isParked(now);
  }

  parkedBecause(): string {
    const { clock } = this.#pipeline;
    return parkedBecause({
      reason: this.#credential.reason,
      isSignerSilent: clock.now() < this.#noTokenUntil,
      wasTrusted: this.#wasTrusted,
      certificateEndsMs: this.#certificateEndsMs,
      nowMs: clock.epochMs(),
    });
  }

  bindingOf(connection: Connection): Binding {
    if (connection.binding === null) connection.binding = new Binding(connection, this.#authority, this.#tokens);
    return connection.binding as Binding; // nobody else writes there
  }

  onReply(track: Track, connection: Connection, push: Push, reply: Reply): void {
    const pipeline = this.#pipeline;
    const { app } = push.head;
    this.bindingOf(connection).latency.record(reply.latencyMs);
    if (reply.status === 200) {
      if (!app.firstReplies.isOver) app.firstReplies.add(false);
      this.#succeeded(connection, push);
      pipeline.finish(push, acceptedOutcome(reply, push), reply.latencyMs);
      return;
    }
    const verdict = judgeReply(reply, push, pipeline);
    if (verdict.kind !== 'accepted') {
      this.reasons.add(verdict.reason);
      this.bindingOf(connection).reasons.add(verdict.reason);
    }
    this.#react(track, connection, push, verdict);
    switch (verdict.kind) {
      case 'accepted':
        this.#succeeded(connection, push);
        pipeline.finish(push, acceptedOutcome(reply, push), reply.latencyMs);
        return;
      case 'rejected':
      case 'unregistered':
        // Refused for its own faults: credential and gateway are fine, and so is its topic unless that was it.
        this.#trust(connection);
        this.breaker.succeeded();
        if (!reactionsTo(verdict).includes('break-topic')) push.head.breaker?.succeeded();
        pipeline.probation.refused(push, verdict.kind === 'unregistered');
        this.#watchEnvironment(app, verdict.reason);
        pipeline.finish(push, withHint(verdict, push, pipeline), reply.latencyMs);
        return;
      case 'retry':
        settleRetry(push, verdict, connection.now, pipeline);
    }
  }

  onNotice({ isProbation }: Track, notice: PoolNotice): void {
    this.#pipeline.emit(connectionEvent(notice, this.endpoint, isProbation));
    if (notice.kind !== 'goaway') return;
    const { reason } = notice.notice;
    if (reason !== null && findReason(reason)?.blame === 'credential')
      this.#credentialRefused(reason, notice.connection);
  }

  /** Runs what is due while there are jobs: deadlines, giving up. */
  tick(now: number): void {
    for (const track of this.tracks) track.tick(now);
  }

  /** Abandons the pushes that wait here and whose sinks are cancelled. */
  sweep(): void {
    for (const track of this.tracks) track.abandonIf((push) => push.sink.isCancelled, 'cancelled');
  }

  /** The credential was put right. */
  trustAgain(): void {
    this.#credential.accepted();
    this.onToken();
  }

  /** The signer gave a token. */
  onToken(): void {
    this.#noTokenUntil = 0;
    this.wake();
  }

  /** The signer gave none, and is asked again at `again`, monotonic ms. Without an older token the work is parked until then. */
  onNoToken(again: number): void {
    if (this.#tokens?.isEmpty === true) this.#noTokenUntil = again;
    // What waited for a newer token goes with the old one.
    else this.wake();
  }

  /** Opens no more streams; resolves when the last has ended and the connections are closed. */
  async drain(): Promise<void> {
    await Promise.all(this.tracks.map((track) => track.drain()));
  }

  /** Closes the connections now; what is on the wire is abandoned before this resolves. */
  async close(): Promise<void> {
    await Promise.all(this.tracks.map((track) => track.close()));
  }

  /** Abandons everything that waits here. */
  abandonWaiting(because: Abandonment): void {
    for (const track of this.tracks) track.abandonWaiting(because);
  }

  #react(track: Track, connection: Connection, push: Push, verdict: Verdict): void {
    const { now, isUsable } = connection;
    for (const reaction of reactionsTo(verdict)) {
      switch (reaction) {
        case 'replace-connection':
          track.pool.retire(connection);
          break;
        case 'renew-provider-token':
        case 'park-credential':
          // Once a connection, before it was retired: what else was in flight on it gets the same answer.
          if (isUsable && verdict.kind === 'retry') this.#credentialRefused(verdict.reason, connection);
          track.pool.retire(connection);
          break;
        case 'hold-provider-token':
          if (
            verdict.kind === 'retry' &&
            this.#credential.hold(verdict.reason, now + this.#waitOf(verdict.notBefore))
          ) {
            this.#reportParked();
          }
          break;
        case 'probe-gateway':
          connection.overloaded();
          if (this.breaker.refused(now)) {
            const { endpoint, waiting } = this;
            const message = `${endpoint} answers with server errors; new pushes wait behind one probe`;
            this.#pipeline.emit({ kind: 'gateway-fault', endpoint, message, waiting });
          }
          break;
        case 'cool-device':
          // A 429 without Apple's word for a device's own (TooManyRequests) is about all that we send.
          if (verdict.kind === 'retry' && findReason(verdict.reason) === null) connection.overloaded();
          if (verdict.kind === 'retry' && !push.head.isBroadcast) {
            const until = now + this.#waitOf(verdict.notBefore);
            this.#pipeline.ledger.resting.set(push.head.scope, push.arena.token(push.at), until);
          }
          break;
        case 'forget-device':
          if (verdict.kind === 'unregistered') {
            this.#pipeline.ledger.dead.set(push.head.scope, push.arena.token(push.at), verdict.since);
          }
          break;
        case 'break-topic':
          this.#breakTopic(push, now, verdict.kind === 'rejected' ? verdict.reason : 'refused');
          break;
        case 'suspect-device':
          this.#pipeline.probation.suspect(push);
          break;
      }
    }
  }

  #waitOf(notBefore: number | undefined): number {
    return notBefore === undefined ? 0 : Math.max(0, notBefore - this.#pipeline.clock.epochMs());
  }

  #breakTopic(push: Push, now: number, reason: string): void {
    const { head } = push;
    head.breaker ??= new Breaker(topicBreaker, this.#pipeline.random);
    if (!head.breaker.refused(now)) return;
    const { endpoint } = this;
    const message = `APNs does not let this credential use topic ${head.topic} (${reason}); its pushes wait behind one probe`;
    this.#pipeline.emit({ kind: 'topic-fault', endpoint, app: head.app.name, topic: head.topic, reason, message });
  }

  #credentialRefused(reason: string, { openedAt, now }: Connection): void {
    if (this.#credential.refused(reason, openedAt, now)) this.#reportParked();
  }

  #reportParked(): void {
    const { endpoint, waiting } = this;
    const { reason } = this.#credential;
    const message = `${this.parkedBecause()}; ${waiting} pushes wait`;
    this.#pipeline.emit({ kind: 'credential-fault', endpoint, reason, message, waiting });
  }

  #succeeded(connection: Connection, push: Push): void {
    const { head, arena, at } = push;
    this.#trust(connection);
    this.breaker.succeeded();
    head.breaker?.succeeded();
    this.#pipeline.probation.accepted(push);
    if (head.app.isSandboxOfTwin) this.#pipeline.sandboxTokens.set(head.scope, arena.token(at), 0);
  }

  #probationTrack(): Track {
    if (this.#probation !== null) return this.#probation;
    // One, never more: what is refused needs no capacity. It goes when it has been idle; the dial gate is the same.
    const policy = { ...this.#poolOptions.policy, connectionsMax: 1, connectionsMin: 0 };
    const track = new Track({ ...this.#poolOptions, policy }, true, this, this.#pipeline);
    for (const { probationLane } of this.#lanes) track.turns.add(probationLane);
    this.#probation = track;
    return track;
  }

  #watchEnvironment(app: App, reason: string): void {
    if (!app.firstReplies.add(reason === badDeviceToken)) return;
    const message = wrongEnvironmentMessage(app.name, app.environment);
    this.#pipeline.emit({ kind: 'environment-hint', endpoint: this.endpoint, app: app.name, message });
  }

  #trust(connection: Connection): void {
    const binding = this.bindingOf(connection);
    if (binding.isTrusted) return;
    binding.isTrusted = true;
    this.#wasTrusted = true;
    this.#credential.accepted();
    connection.releaseProbe();
  }
}
