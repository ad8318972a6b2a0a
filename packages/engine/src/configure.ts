/** From options to apps and outlets: everything that can be wrong with a configuration is found here, before a byte is sent. */
import {
  channelEndpoints,
  endpoints,
  expiryWarning,
  isFault,
  parseEndpoint,
  parseEnvironment,
  parseTopic,
} from '@carillon/apns';
import type { ApnsFault, Endpoint, EpochMs, PushCertificate, Topic } from '@carillon/apns';
import { defaultPoolPolicy, parseProxy, queuedDialGate, tlsDialer } from '@carillon/pool';
import type { Dialer, DialGate, PoolOptions, PoolPolicy, ProxyTarget } from '@carillon/pool';
import type { App } from './app.ts';
import { ChannelOutlet } from './channel-outlet.ts';
import { faultError, openIdentity } from './credential.ts';
import type { Identity } from './credential.ts';
import { FirstReplies } from './environment-hint.ts';
import { EngineConfigError } from './errors.ts';
import { Lane } from './lane.ts';
import { objectOf, positive, textOf, wholeNumber } from './options.ts';
import type { AppOptions, CredentialOptions, EngineOptions } from './options.ts';
import { Outlet } from './outlet.ts';
import { rateCap } from './pipeline.ts';
import type { Pipeline } from './pipeline.ts';
import { Source } from './source.ts';

/** The apps and the outlets they leave by. Apps of the same credential and environment share an outlet. */
export class Configuration {
  readonly apps: ReadonlyMap<string, App>;
  readonly #options: EngineOptions;
  readonly #pipeline: Pipeline;
  readonly #dialer: Dialer;
  /** By environment and credential. */
  readonly #outlets = new Map<string, Outlet>();
  /** By host and port: credentials of one gateway dial through one gate. */
  readonly #gates = new Map<string, DialGate>();
  readonly #proxy: ProxyTarget | null;
  readonly #certificates = new WeakMap<Outlet, PushCertificate>();
  readonly #identities = new WeakMap<Outlet, Identity>();
  /** By management gateway and credential; made by the first call about channels. */
  readonly #channelOutlets = new Map<string, ChannelOutlet>();
  /** The step of the expiry warning that was last reported. */
  readonly #warned = new WeakMap<Outlet, number>();

  /** Throws `EngineConfigError` that names the field. Opens no connection. */
  constructor(options: EngineOptions, pipeline: Pipeline) {
    this.#options = options;
    this.#pipeline = pipeline;
    this.#proxy = options.proxy === undefined ? null : proxyOf(options.proxy);
    this.#dialer = options.seams?.dialer ?? tlsDialer(options.seams?.resolver);
    objectOf('apps', options.apps);
    const names = Object.keys(options.apps);
    if (names.length === 0) throw new EngineConfigError('apps', 'apps is empty; at least one app has to be there');
    this.apps = new Map(names.map((name) => [name, this.#addApp(name, options.apps[name])])); // its own keys
    for (const app of this.apps.values()) this.#findTwins(app);
  }

  get outlets(): Iterable<Outlet> {
    return this.#outlets.values();
  }

  /**
   * Moves an app to another credential. What waits goes out with the new one; what is on the wire ends on the old
   * connections, which close when no app uses them any more. Returns the outlet to be drained, if any.
   */
  replaceCredential(name: string, credential: CredentialOptions): Outlet | null {
    const app = this.apps.get(name);
    const given = this.#options.apps[name];
    if (app === undefined || given === undefined)
      throw new EngineConfigError(`apps.${name}`, `app ${JSON.stringify(name)} is not configured`);
    const outlet = this.#outletFor({ ...given, credential }, app.topic, `apps.${name}`);
    const old = app.outlet;
    this.#pipeline.heads.closeBreakersOf(name);
    if (outlet === old) {
      // The same one again: somebody has put right on Apple's side what was wrong with it.
      old.trustAgain();
      return null;
    }
    app.firstReplies.restart();
    old.removeApp(app);
    app.outlet = outlet;
    outlet.addApp(app);
    if (old.apps.length > 0) return null;
    for (const [key, one] of this.#outlets) if (one === old) this.#outlets.delete(key);
    this.#retireChannelsOf(old);
    return old;
  }

  /** Calls under way end with the credential they began with. */
  #retireChannelsOf(outlet: Outlet): void {
    const fingerprint = this.#identities.get(outlet)?.fingerprint;
    for (const [key, one] of this.#channelOutlets) {
      if (!key.endsWith(` ${fingerprint}`)) continue;
      void one.drain().finally(() => this.#channelOutlets.delete(key));
    }
  }

  #addApp(name: string, options: AppOptions): App {
    const field = `apps.${name}`;
    objectOf(field, options);
    textOf(`${field}.topic`, options.topic);
    const topic = good(parseTopic(options.topic), field);
    channelEndpointOf(options, field); // found wrong now, not with the first call
    const { weight = 1, ratePerSecond } = options;
    wholeNumber(`${field}.weight`, weight, 1, 1000);
    if (ratePerSecond !== undefined) positive(`${field}.ratePerSecond`, ratePerSecond);
    const outlet = this.#outletFor(options, topic, field);
    const rate = ratePerSecond === undefined ? null : rateCap(ratePerSecond, this.#pipeline.clock.now());
    const app: App = {
      name,
      topic,
      authority: endpointOf(options, field).authority,
      environment: options.environment ?? (options.endpoint === undefined ? 'production' : null),
      lane: new Lane(name, weight, rate),
      // Its rate is the app's: one bucket for both.
      probationLane: new Lane(name, weight, rate),
      campaigns: new Set(),
      sentByCampaigns: 0,
      source: new Source('app', name),
      firstReplies: new FirstReplies(),
      twins: [],
      isSandboxOfTwin: false,
      outlet,
    };
    outlet.addApp(app);
    return app;
  }

  #findTwins(app: App): void {
    for (const other of this.apps.values())
      if (other.topic === app.topic && other.authority !== app.authority) app.twins.push(other);
    app.isSandboxOfTwin = app.environment === 'sandbox' && app.twins.length > 0;
  }

  #outletFor(app: AppOptions, topic: Topic, field: string): Outlet {
    const endpoint = endpointOf(app, field);
    const environment = app.endpoint === undefined ? (app.environment ?? 'production') : null;
    const { clock, emit } = this.#pipeline;
    const identity = openIdentity(app.credential, app.ca, field, {
      nowMs: clock.epochMs(),
      topic,
      environment,
      clock,
      signerOwner: {
        onToken: () => {
          this.#outlets.get(key)?.onToken();
          for (const one of this.#channelOutlets.values()) one.wake();
        },
        onFailure: (reason, againAt) => {
          this.#outlets.get(key)?.onNoToken(againAt);
          const message = `the signer of ${field} gave no provider token: ${reason}`;
          emit({ kind: 'signer-fault', endpoint: endpoint.authority, message });
        },
      },
    });
    const key: string = `${endpoint.authority} ${identity.fingerprint}`;
    const known = this.#outlets.get(key);
    if (known !== undefined) return known;
    const outlet = this.#openOutlet(endpoint, identity);
    this.#outlets.set(key, outlet);
    this.#identities.set(outlet, identity);
    if (identity.certificate !== null) this.#certificates.set(outlet, identity.certificate);
    return outlet;
  }

  #openOutlet(endpoint: Endpoint, identity: Identity): Outlet {
    const { settings } = this.#pipeline;
    const policy: Partial<PoolPolicy> = {
      connectionsMax: settings.connectionsMax,
      requestTimeoutMs: settings.requestTimeoutMs,
      // Conduct `streams-within-limit`: one stream on a token connection until the first authenticated reply.
      isProbing: identity.tokens !== null,
    };
    const pool = { ...this.#poolTo(endpoint, identity), policy };
    return new Outlet(pool, endpoint.authority, identity, this.#pipeline);
  }

  /** Every pool dials through the gate of its gateway, and through the proxy if there is one. */
  #poolTo({ host, port, authority }: Endpoint, { tls }: Identity): Omit<PoolOptions, 'policy'> {
    const { clock, random } = this.#pipeline;
    let gate = this.#gates.get(authority);
    if (gate === undefined) {
      gate = queuedDialGate(defaultPoolPolicy.dialGate, clock);
      this.#gates.set(authority, gate);
    }
    const proxy = this.#proxy === null ? {} : { proxy: this.#proxy };
    return { host, port, tls, ...proxy, dialer: this.#dialer, clock, random, gate };
  }

  get channelOutlets(): Iterable<ChannelOutlet> {
    return this.#channelOutlets.values();
  }

  /** Where the channels of an app are managed; null: it has a gateway of its own, and nobody said where. */
  channelOutletOf(app: App): ChannelOutlet | null {
    const options = this.#options.apps[app.name];
    const endpoint = channelEndpointOf(options, `apps.${app.name}`);
    const identity = this.#identities.get(app.outlet);
    if (endpoint === null || identity === undefined) return null;
    const key = `${endpoint.authority} ${identity.fingerprint}`;
    let outlet = this.#channelOutlets.get(key);
    if (outlet === undefined) {
      const pool = this.#poolTo(endpoint, identity);
      outlet = new ChannelOutlet(pool, endpoint.authority, identity.tokens, this.#pipeline);
      this.#channelOutlets.set(key, outlet);
    }
    return outlet;
  }

  /** Certificates in use that end within 30, 7 or 1 days: each step is reported once. */
  warnOfExpiry(nowMs: EpochMs): void {
    for (const outlet of this.#outlets.values()) {
      const certificate = this.#certificates.get(outlet);
      if (certificate === undefined) continue;
      const withinMs = expiryWarning(certificate, nowMs);
      if (withinMs === null || this.#warned.get(outlet) === withinMs) continue;
      this.#warned.set(outlet, withinMs);
      const ends = new Date(certificate.validToMs).toISOString();
      const message = `the push certificate of ${outlet.apps.map(({ name }) => name).join(', ')} ends ${ends}; replace it before`;
      this.#pipeline.emit({ kind: 'credential-expiry', endpoint: outlet.endpoint, ends, message });
    }
  }
}

function proxyOf(text: string): ProxyTarget {
  textOf('proxy', text);
  try {
    return parseProxy(text);
  } catch (error) {
    throw new EngineConfigError('proxy', error instanceof Error ? error.message : String(error), error);
  }
}

function endpointOf(app: AppOptions, field: string): Endpoint {
  if (app.endpoint !== undefined) return good(parseEndpoint(app.endpoint), field);
  return endpoints[good(parseEnvironment(app.environment ?? 'production'), field)];
}

function channelEndpointOf(app: AppOptions, field: string): Endpoint | null {
  const { channelsEndpoint, endpoint, environment = 'production' } = app;
  if (channelsEndpoint !== undefined) {
    const parsed = parseEndpoint(channelsEndpoint);
    if (!isFault(parsed)) return parsed;
    throw new EngineConfigError(`${field}.channelsEndpoint`, `${field}.channelsEndpoint: ${parsed.message}`);
  }
  return endpoint === undefined ? channelEndpoints[good(parseEnvironment(environment), field)] : null;
}

function good<T>(value: T | ApnsFault, field: string): T {
  if (isFault(value)) throw faultError(value, field);
  return value;
}
