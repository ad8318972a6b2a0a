/** From options to apps and outlets: everything that can be wrong with a configuration is found here, before a byte is sent. */
import { createHash } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { endpoints, isFault, openProviderTokenSource, parseEndpoint, parseEnvironment, parseTopic } from '@carillon/apns';
import type { ApnsFault, Endpoint, ProviderTokenSource } from '@carillon/apns';
import { tlsDialer } from '@carillon/pool';
import type { Dialer, PoolPolicy, TlsIdentity } from '@carillon/pool';
import type { App } from './app.ts';
import { EngineConfigError } from './errors.ts';
import { Lane } from './lane.ts';
import { positive, wholeNumber } from './options.ts';
import type { AppOptions, CredentialOptions, EngineOptions } from './options.ts';
import { Outlet } from './outlet.ts';
import { rateCap } from './pipeline.ts';
import type { Pipeline } from './pipeline.ts';

/** The apps and the outlets they leave by. Apps of the same credential and environment share an outlet. */
export class Configuration {
  readonly apps: ReadonlyMap<string, App>;
  readonly #options: EngineOptions;
  readonly #pipeline: Pipeline;
  readonly #dialer: Dialer;
  /** By environment and credential. */
  readonly #outlets = new Map<string, Outlet>();

  /** Throws `EngineConfigError` that names the field. Opens no connection. */
  constructor(options: EngineOptions, pipeline: Pipeline) {
    this.#options = options;
    this.#pipeline = pipeline;
    this.#dialer = options.seams?.dialer ?? tlsDialer(options.seams?.resolver);
    const names = Object.keys(options.apps);
    if (names.length === 0) throw new EngineConfigError('apps', 'apps is empty; at least one app has to be there');
    this.apps = new Map(names.map((name) => [name, this.#addApp(name, options.apps[name] as AppOptions)])); // its own keys
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
    if (app === undefined || given === undefined) throw new EngineConfigError(`apps.${name}`, `app ${JSON.stringify(name)} is not configured`);
    const outlet = this.#outletFor({ ...given, credential }, `apps.${name}`);
    const old = app.outlet;
    if (outlet === old) return null;
    old.removeLane(app.lane);
    app.outlet = outlet;
    outlet.addLane(app.lane);
    if (old.lanes.length > 0) return null;
    for (const [key, one] of this.#outlets) if (one === old) this.#outlets.delete(key);
    return old;
  }

  #addApp(name: string, options: AppOptions): App {
    const field = `apps.${name}`;
    const topic = good(parseTopic(options.topic), field);
    const { weight = 1, ratePerSecond } = options;
    wholeNumber(`${field}.weight`, weight, 1, 1000);
    if (ratePerSecond !== undefined) positive(`${field}.ratePerSecond`, ratePerSecond);
    const outlet = this.#outletFor(options, field);
    const lane = new Lane(name, weight, ratePerSecond === undefined ? null : rateCap(ratePerSecond, this.#pipeline.clock.now()));
    outlet.addLane(lane);
    return { name, topic, authority: endpointOf(options, field).authority, lane, outlet };
  }

  #outletFor(app: AppOptions, field: string): Outlet {
    const endpoint = endpointOf(app, field);
    const identity = identityOf(app.credential, app.ca, field);
    const key = `${endpoint.authority} ${identity.fingerprint}`;
    const known = this.#outlets.get(key);
    if (known !== undefined) return known;
    const outlet = openOutlet(endpoint, identity, this.#dialer, this.#pipeline);
    this.#outlets.set(key, outlet);
    return outlet;
  }
}

interface Identity {
  readonly tls: TlsIdentity;
  /** Null for a client certificate. */
  readonly tokens: ProviderTokenSource | null;
  /** Equal for equal identities; tells nothing about the secret. */
  readonly fingerprint: string;
}

function openOutlet(endpoint: Endpoint, identity: Identity, dialer: Dialer, pipeline: Pipeline): Outlet {
  const { settings, clock, random } = pipeline;
  const policy: Partial<PoolPolicy> = {
    connectionsMax: settings.connectionsMax,
    requestTimeoutMs: settings.requestTimeoutMs,
    // Conduct `streams-within-limit`: one stream on a token connection until the first authenticated reply.
    isProbing: identity.tokens !== null,
  };
  const { host, port, authority } = endpoint;
  return new Outlet({ host, port, tls: identity.tls, policy, dialer, clock, random }, authority, identity.tokens, pipeline);
}

function endpointOf(app: AppOptions, field: string): Endpoint {
  if (app.endpoint !== undefined) return good(parseEndpoint(app.endpoint), field);
  return endpoints[good(parseEnvironment(app.environment ?? 'production'), field)];
}

function identityOf(credential: CredentialOptions, ca: string | Buffer | undefined, field: string): Identity {
  const trust = ca === undefined ? {} : { ca };
  switch (credential.kind) {
    case 'token': {
      const { key, keyId, teamId } = credential;
      const tokens = good(openProviderTokenSource({ key, keyId, teamId }), `${field}.credential`);
      checkTls(trust, `${field}.ca`);
      return { tls: trust, tokens, fingerprint: digest('token', tokens.fingerprint, keyId, teamId, ca) };
    }
    case 'certificate': {
      const { cert, key, pfx, passphrase } = credential;
      if ((cert === undefined) === (pfx === undefined)) {
        throw new EngineConfigError(`${field}.credential`, `${field}.credential needs either cert and key, or pfx`);
      }
      if (cert !== undefined && key === undefined) {
        throw new EngineConfigError(`${field}.credential.key`, `${field}.credential.key is missing beside cert`);
      }
      const tls: TlsIdentity = {
        ...trust,
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
        ...(pfx === undefined ? {} : { pfx }),
        ...(passphrase === undefined ? {} : { passphrase }),
      };
      checkTls(tls, `${field}.credential`);
      return { tls, tokens: null, fingerprint: digest('certificate', cert, pfx, ca) };
    }
    default:
      throw new EngineConfigError(`${field}.credential.kind`, `${field}.credential.kind is unknown; token or certificate is right`);
  }
}

/** OpenSSL's own opinion, now instead of at the first dial. */
function checkTls(tls: TlsIdentity, field: string): void {
  try {
    createSecureContext(tls);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new EngineConfigError(field, `${field} cannot be used: ${explainTls(text)}`, error);
  }
}

function explainTls(text: string): string {
  if (/mac verify failure/iu.test(text)) return 'the passphrase of the .p12 is wrong, or it needs one';
  if (/key values mismatch/iu.test(text)) return 'the key does not belong to the certificate';
  if (/bad decrypt|bad password/iu.test(text)) return 'the passphrase of the key is wrong, or it needs one';
  if (/no start line|PEM/u.test(text)) return `it is not PEM (${text})`;
  if (/unsupported/iu.test(text)) return `OpenSSL no longer reads this kind of file (${text}); export it again with a newer tool`;
  return text;
}

function digest(...parts: (string | Buffer | undefined)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part ?? '').update('\0');
  return hash.digest('hex');
}

function good<T>(value: T | ApnsFault, field: string): T {
  if (!isFault(value)) return value;
  throw new EngineConfigError(`${field}.${value.field}`, `${field}: ${value.message}`);
}
