// The configuration of `carillon send` or `carillon channels` → an engine with one app.
import { createEngine, EngineConfigError } from '@carillon/engine';
import type { AppOptions, Engine, EngineEvent, EngineOptions } from '@carillon/engine';

import { UsageError } from '../command-line/usage-error.ts';
import type { ChannelsConfig } from './channels-config.ts';
import { readCredential, readSmallFile } from './read-credential.ts';
import type { LooseFile } from './read-credential.ts';
import type { SendConfig } from './send-config.ts';

export interface OpenedEngine {
  readonly engine: Engine;
  /** Key files that others may read. */
  readonly looseFiles: readonly LooseFile[];
}

type AppConfig = Pick<SendConfig, 'app' | 'topic' | 'ca' | 'credential'>;

/** Connects to nothing yet. Throws `UsageError`. */
export function openEngine(config: SendConfig, onEvent: (event: EngineEvent) => void): Promise<OpenedEngine> {
  const { gateway } = config;
  const to = gateway.kind === 'apple' ? { environment: gateway.environment } : { endpoint: gateway.endpoint };
  return open(config, to, {
    // Nobody is there to give another credential: what waits for one would wait for ever.
    onCredentialFault: 'abandon',
    // With threads only when asked: on two processors they cost more than they save (docs/BENCHMARKS.md, Preparation).
    ...(config.workersMax === null || config.workersMax === 0
      ? { prepare: 'inline' }
      : { prepare: 'workers', workersMax: config.workersMax }),
    ...(config.pushType === null ? {} : { defaultPushType: config.pushType }),
    onEvent,
    ...(config.connectionsMax === null ? {} : { connectionsMax: config.connectionsMax }),
    ...(config.ratePerSecond === null ? {} : { ratePerSecond: config.ratePerSecond }),
    ...(config.giveUpAfterMs === null ? {} : { giveUpAfterMs: config.giveUpAfterMs }),
  });
}

/** As `openEngine`, for channels alone: nothing is sent with it. */
export function openChannelEngine(
  config: ChannelsConfig,
  onEvent: (event: EngineEvent) => void,
): Promise<OpenedEngine> {
  const { gateway, giveUpAfterMs } = config;
  const to =
    gateway.kind === 'apple'
      ? { environment: gateway.environment }
      : { endpoint: gateway.endpoint, channelsEndpoint: gateway.endpoint };
  return open(config, to, { onEvent, ...(giveUpAfterMs === null ? {} : { giveUpAfterMs }) });
}

async function open(
  config: AppConfig,
  to: Pick<AppOptions, 'environment' | 'endpoint' | 'channelsEndpoint'>,
  options: Omit<EngineOptions, 'apps'>,
): Promise<OpenedEngine> {
  const { credential, looseFiles } = await readCredential(config.credential);
  const ca = config.ca === null ? {} : { ca: await readSmallFile('--ca', config.ca, null) };
  const app: AppOptions = { topic: config.topic, credential, ...to, ...ca };
  try {
    return { engine: createEngine({ apps: { [config.app]: app }, ...options }), looseFiles };
  } catch (error) {
    if (error instanceof EngineConfigError) throw new UsageError(inOurWords(error, config), { cause: error });
    throw error;
  }
}

/** The engine says `apps.NAME.credential…`; the user knows options. */
function inOurWords({ field, message }: EngineConfigError, config: AppConfig): string {
  const option = optionOf(field, config);
  const bare = message.replace(/^apps\.[^:]*?(?:\.credential(?:\.\w+)?|\.ca)?:? /, '');
  return option === null ? message : `${option}: ${bare}`;
}

function optionOf(field: string, { credential }: AppConfig): string | null {
  if (field.endsWith('.keyId')) return '--key-id';
  if (field.endsWith('.teamId')) return '--team-id';
  if (field.endsWith('.ca')) return '--ca';
  if (!field.includes('.credential')) return null;
  switch (credential.kind) {
    case 'token':
      return `--key ${credential.key}`;
    case 'certificate':
      return `--cert ${credential.cert}`;
    case 'pfx':
      return `--pfx ${credential.pfx}`;
  }
}
