/**
 * `engine.channels`: the channels of an app, as Apple's management gateway has them. Arguments are checked here, results
 * are made here; what goes over the wire, and what is tried again, is in channel-outlet.ts.
 */
import {
  apnsIdBytes,
  checkBroadcastTopic,
  isFault,
  parseApnsId,
  parseChannelDescription,
  parseChannelId,
  parseChannelList,
  parseStoragePolicy,
  quote,
  quoteUnknown,
} from '@carillon/apns';
import type { ApnsFault, ApnsId, ChannelId, ChannelOperation, StoragePolicy, Unreadable } from '@carillon/apns';
import type { App } from './app.ts';
import { ChannelCall } from './channel-call.ts';
import type { ChannelAnswer } from './channel-call.ts';
import { ChannelError } from './channel-error.ts';
import type { Configuration } from './configure.ts';
import { EngineClosedError } from './errors.ts';
import type { Pipeline } from './pipeline.ts';

export interface ChannelCallOptions {
  /** May be left out when there is only one. */
  readonly app?: string;
  /** Aborting ends the call at once: `ERR_CHANNEL_CANCELLED`. */
  readonly signal?: AbortSignal;
}

export interface CreateChannelOptions extends ChannelCallOptions {
  /** `none` (Apple: 0): nothing is kept for devices that are away. `most-recent` (1): the last broadcast is, 8 h at most. */
  readonly storagePolicy: StoragePolicy | 0 | 1;
}

export interface NamedChannelOptions extends ChannelCallOptions {
  /** As `create` and `list` give it: base64. */
  readonly channel: string;
}

/** In each: the id by which Apple knows the request. */
export interface CreatedChannel {
  readonly channel: ChannelId;
  readonly storagePolicy: StoragePolicy;
  readonly requestId: string;
}

export interface ReadChannel {
  readonly channel: ChannelId;
  /** A number that is neither of the two we know, as Apple gave it. */
  readonly storagePolicy: StoragePolicy | number;
  /** As Apple writes it: `LiveActivity`. */
  readonly pushType: string | null;
  readonly requestId: string;
}

export interface ChannelList {
  readonly channels: readonly ChannelId[];
  readonly requestId: string;
}

export interface DeletedChannel {
  readonly channel: ChannelId;
  /** False: there was nothing to delete (any more). It also is when an earlier attempt's answer was lost. */
  readonly wasThere: boolean;
  readonly requestId: string;
}

export class Channels {
  readonly #configuration: Configuration;
  readonly #pipeline: Pipeline;
  #isClosed = false;

  constructor(configuration: Configuration, pipeline: Pipeline) {
    this.#configuration = configuration;
    this.#pipeline = pipeline;
  }

  /**
   * Makes a channel. Not repeated when its answer is lost, for that could make two: `ERR_CHANNEL_AMBIGUOUS`. Rejects
   * with `ChannelError`, as all of these do, or `EngineClosedError`.
   */
  async create(options: CreateChannelOptions): Promise<CreatedChannel> {
    const app = this.#appOf('create', options);
    const storagePolicy = this.#good(parseStoragePolicy(options.storagePolicy), 'create', app);
    const call = this.#callFor('create', app, options, null, storagePolicy);
    const answer = await this.#answer(call, app);
    const channel = parseChannelId(answer.channel ?? '');
    if (isFault(channel)) {
      // As it came: nobody will be told again.
      const named = answer.channel === null ? 'no id for it' : `${quote(answer.channel, 256)} as its id, which is none`;
      const message = `the channel was made, and the answer names ${named}; list shows it`;
      throw call.errorOf('ERR_CHANNEL_ANSWER', message, { processed: 'unknown' });
    }
    return { channel, storagePolicy, requestId: idOf(answer, call) };
  }

  async read(options: NamedChannelOptions): Promise<ReadChannel> {
    const app = this.#appOf('read', options);
    const channel = this.#channelOf('read', app, options);
    const call = this.#callFor('read', app, options, channel, null);
    const answer = await this.#answer(call, app);
    const { storagePolicy, pushType } = readable(parseChannelDescription(wholeBody(answer)), call);
    return { channel, storagePolicy, pushType, requestId: idOf(answer, call) };
  }

  /** All of them, at most 10,000. */
  async list(options: ChannelCallOptions = {}): Promise<ChannelList> {
    const app = this.#appOf('list', options);
    const call = this.#callFor('list', app, options, null, null);
    const answer = await this.#answer(call, app);
    const { channels } = readable(parseChannelList(wholeBody(answer)), call);
    return { channels, requestId: idOf(answer, call) };
  }

  /** Apple: broadcasts that are under way are delivered all the same. A channel that is not there counts as deleted. */
  async delete(options: NamedChannelOptions): Promise<DeletedChannel> {
    const app = this.#appOf('delete', options);
    const channel = this.#channelOf('delete', app, options);
    const call = this.#callFor('delete', app, options, channel, null);
    const answer = await this.#answer(call, app);
    return { channel, wasThere: !answer.isAbsent, requestId: idOf(answer, call) };
  }

  /** Takes no more calls, and waits for those under way. @internal */
  async drain(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#configuration.channelOutlets].map((outlet) => outlet.drain()));
  }

  /** Ends every call now. @internal */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#configuration.channelOutlets].map((outlet) => outlet.close()));
  }

  async #answer(call: ChannelCall, app: App): Promise<ChannelAnswer> {
    if (this.#isClosed) throw new EngineClosedError();
    const { signal } = call;
    if (signal?.aborted === true) {
      throw call.errorOf('ERR_CHANNEL_CANCELLED', 'given up by its caller', { cause: signal.reason });
    }
    const outlet = this.#configuration.channelOutletOf(app);
    if (outlet === null) {
      const message = `the app has an endpoint of its own; channelsEndpoint has to say where its channels are managed`;
      throw call.errorOf('ERR_CHANNEL_ARGUMENT', message);
    }
    outlet.call(call);
    return call.answered;
  }

  #callFor(
    operation: ChannelOperation,
    app: App,
    { signal }: ChannelCallOptions,
    channel: ChannelId | null,
    storagePolicy: StoragePolicy | null,
  ): ChannelCall {
    this.#good(checkBroadcastTopic(app.topic) ?? app.topic, operation, app);
    const requestId = this.#newId();
    return new ChannelCall({
      operation,
      app: app.name,
      bundleId: app.topic,
      channel,
      storagePolicy,
      requestId,
      signal,
    });
  }

  #newId(): ApnsId {
    const bytes = Buffer.alloc(apnsIdBytes);
    this.#pipeline.apnsIds.write(bytes, 0);
    const id = parseApnsId(bytes.toString('latin1'));
    if (isFault(id)) throw new Error(`bug: ${id.message}`);
    return id;
  }

  #appOf(operation: ChannelOperation, options: ChannelCallOptions): App {
    const { apps } = this.#configuration;
    // Callers in plain JavaScript have no compiler to tell them.
    const name: unknown = (options as ChannelCallOptions | undefined)?.app;
    const app = name === undefined && apps.size === 1 ? [...apps.values()][0] : apps.get(name as string); // finds nothing else
    if (app !== undefined) return app;
    const names = [...apps.keys()].slice(0, 5).join(', ');
    const message =
      name === undefined
        ? `app is missing, and there are several; one of ${names} is right`
        : `app ${quoteUnknown(name)} is not configured; one of ${names} is right`;
    const facts = { operation, app: typeof name === 'string' ? name : '' };
    throw new ChannelError('ERR_CHANNEL_ARGUMENT', `channels ${operation}: ${message}`, facts);
  }

  #channelOf(operation: ChannelOperation, app: App, options: NamedChannelOptions): ChannelId {
    const text: unknown = options.channel; // as above
    return this.#good(parseChannelId(typeof text === 'string' ? text : ''), operation, app);
  }

  #good<T>(value: T | ApnsFault, operation: ChannelOperation, app: App): T {
    if (!isFault(value)) return value;
    const message = `channels ${operation} (${app.name}): ${value.message}`;
    throw new ChannelError('ERR_CHANNEL_ARGUMENT', message, { operation, app: app.name });
  }
}

function idOf(answer: ChannelAnswer, call: ChannelCall): string {
  const given = answer.requestId === null ? null : parseApnsId(answer.requestId);
  return given === null || isFault(given) ? call.requestId : given;
}

/** Of an answer that was cut nothing is believed. */
function wholeBody({ body, isCut }: ChannelAnswer): string {
  return isCut ? '{"cut":' : body;
}

function readable<T extends { readonly kind: string }>(parsed: T | Unreadable, call: ChannelCall): T {
  if (parsed.kind !== 'unreadable') return parsed as T; // the other kind
  const { problem } = parsed as Unreadable;
  throw call.errorOf('ERR_CHANNEL_ANSWER', `the answer cannot be read: ${problem}`, { processed: 'unknown' });
}
