// What was given to `carillon channels` → what it is to do. Everything that can be checked without opening the files is
// checked here, so that nothing is sent when one of several channel ids is wrong.
import { isFault, parseChannelId, parseEnvironment, parseStoragePolicy, quote } from '@carillon/apns';
import type { ChannelId, StoragePolicy } from '@carillon/apns';

import type { ChannelsOption, Given, SendOption } from '../command-line/option-table.ts';
import { nearest } from '../command-line/suggestion.ts';
import { UsageError } from '../command-line/usage-error.ts';
import { levelOf } from './log-level.ts';
import type { LogLevel } from './log-level.ts';
import {
  appOf,
  checkEndpoint,
  credentialChoices,
  credentialOf,
  logChoices,
  merge,
  secondsOf,
  textOf,
  topicOf,
} from './send-config.ts';
import type { Choices, CredentialFiles, Gateway } from './send-config.ts';

export type ChannelsAction =
  | { readonly kind: 'create'; readonly storagePolicy: StoragePolicy }
  | { readonly kind: 'list' }
  | { readonly kind: 'read' | 'delete'; readonly channels: readonly ChannelId[] };

export interface ChannelsConfig {
  readonly action: ChannelsAction;
  readonly app: string;
  readonly topic: string;
  /** Of channels, not of pushes. */
  readonly gateway: Gateway;
  readonly ca: string | null;
  readonly credential: CredentialFiles;
  /** Null: the engine's default. */
  readonly giveUpAfterMs: number | null;
  readonly isJson: boolean;
  readonly logLevel: LogLevel;
}

const actions = ['create', 'read', 'list', 'delete'] as const;

const exclusive: Choices<ChannelsOption> = [[['channels-endpoint'], ['environment']], credentialChoices, ...logChoices];

/** Throws `UsageError`. `words`: the action, and the channels it is about. */
export function channelsConfig(
  words: readonly string[],
  fromLine: Given<ChannelsOption>,
  fromFile: Given<SendOption | ChannelsOption>,
): ChannelsConfig {
  const given = merge(fromLine, fromFile, exclusive);
  return {
    action: actionOf(words, given),
    app: appOf(given),
    topic: topicOf(given),
    gateway: gatewayOf(given, fromFile.endpoint !== undefined),
    ca: textOf(given, 'ca'),
    credential: credentialOf(given),
    giveUpAfterMs: secondsOf(given, 'give-up-after'),
    isJson: given.json === true,
    logLevel: levelOf(given),
  };
}

function actionOf([word, ...rest]: readonly string[], given: Given<ChannelsOption>): ChannelsAction {
  if (word === undefined) throw new UsageError(`channels: ${actions.join(', ')}; one of them is missing`);
  const kind = actions.find((known) => known === word);
  if (kind === undefined) {
    const meant = nearest(word, actions);
    const right = meant === null ? `${actions.join(', ')} are` : `did you mean ${meant}?`;
    throw new UsageError(`channels ${quote(word)} is not known; ${right}`);
  }
  const policy = textOfPolicy(given);
  if (kind !== 'create' && policy !== null) throw new UsageError(`--storage-policy does not go with channels ${kind}`);
  switch (kind) {
    case 'create':
      if (rest.length > 0) throw new UsageError(`channels create takes no channel: Apple makes the id`);
      return { kind, storagePolicy: storagePolicyOf(policy) };
    case 'list':
      if (rest.length > 0) throw new UsageError('channels list takes no channel; channels read describes one');
      return { kind };
    case 'read':
    case 'delete':
      return { kind, channels: channelsOf(kind, rest) };
  }
}

function textOfPolicy(given: Given<ChannelsOption>): string | null {
  const value = given['storage-policy'];
  return typeof value === 'string' ? value : null;
}

function storagePolicyOf(text: string | null): StoragePolicy {
  if (text === null) {
    throw new UsageError(
      'channels create needs --storage-policy: none keeps nothing, most-recent keeps the last broadcast; it cannot be changed later',
    );
  }
  const policy = parseStoragePolicy(text, '--storage-policy');
  if (isFault(policy)) throw new UsageError(policy.message);
  return policy;
}

function channelsOf(kind: 'read' | 'delete', words: readonly string[]): readonly ChannelId[] {
  if (words.length === 0) throw new UsageError(`channels ${kind} needs the id of a channel; channels list has them`);
  return words.map((word, index) => {
    const channel = parseChannelId(word);
    if (isFault(channel)) throw new UsageError(`channels ${kind}: ${channel.message}`);
    if (words.indexOf(word) !== index) throw new UsageError(`channels ${kind}: ${quote(word)} is named twice`);
    return channel;
  });
}

function gatewayOf(given: Given<ChannelsOption>, hasEndpoint: boolean): Gateway {
  const text = given['channels-endpoint'];
  const environment = textOf(given, 'environment');
  if (typeof text === 'string') {
    if (environment !== null) {
      throw new UsageError('--channels-endpoint and --environment exclude each other: both name the gateway');
    }
    return { kind: 'endpoint', endpoint: checkEndpoint('--channels-endpoint', text) };
  }
  // Channels of another gateway than the pushes': nobody means that.
  if (hasEndpoint && environment === null) {
    throw new UsageError('the configuration has an endpoint for pushes; --channels-endpoint is missing beside it');
  }
  const parsed = parseEnvironment(environment ?? 'production');
  if (isFault(parsed)) throw new UsageError(`--environment: ${parsed.message}`);
  return { kind: 'apple', environment: parsed };
}
