// `carillon channels`: one action at Apple's gateway for channels, and what came of it on stdout.
import { ChannelError } from '@carillon/engine';
import type { Engine } from '@carillon/engine';

import type { ChannelsConfig } from './config/channels-config.ts';
import { openChannelEngine } from './config/open-engine.ts';
import type { ExitCode } from './exit-code.ts';
import { Interruption } from './interruption.ts';
import { EventLog } from './report/event-log.ts';
import type { Log } from './report/log.ts';

/** What is said of one channel, or of the list of them: a line for people, or JSON. */
interface Said {
  readonly text: string;
  readonly json: object;
}

/** Throws `UsageError` as long as nothing was sent. */
export async function channels(config: ChannelsConfig, log: Log): Promise<ExitCode> {
  const events = new EventLog(log.logger);
  const { engine, looseFiles } = await openChannelEngine(config, (event) => events.onEvent(event));
  for (const { path, mode } of looseFiles) {
    log.logger.warn({ path, mode }, 'others on this machine may read this secret; chmod 600 would keep it');
  }
  const interruption = new Interruption();
  const errors: ChannelError[] = [];
  let done = 0;
  try {
    for await (const said of perform(config, engine, interruption.stop)) {
      if (said instanceof ChannelError) {
        errors.push(said);
        log.logger.error({ code: said.code, reason: said.reason ?? undefined }, said.message);
        if (config.isJson) await print(`${JSON.stringify(errorJson(said))}\n`);
      } else {
        done++;
        await print(config.isJson ? `${JSON.stringify(said.json)}\n` : said.text);
      }
    }
    await (interruption.stop.aborted ? engine.close() : engine.drain());
  } finally {
    interruption[Symbol.dispose]();
  }
  return exitCode(errors, done, interruption.stop.aborted);
}

/** One after the other, in the order in which they were named: deleting is not a race. An error ends nothing but its own. */
async function* perform(
  { action, app }: ChannelsConfig,
  engine: Engine,
  signal: AbortSignal,
): AsyncGenerator<Said | ChannelError, void, undefined> {
  const operation = action.kind;
  switch (action.kind) {
    case 'create': {
      const { storagePolicy } = action;
      const created = await orError(engine.channels.create({ app, storagePolicy, signal }));
      if (created instanceof ChannelError) yield created;
      else yield { text: `${created.channel}\n`, json: { operation, app, ...created } };
      return;
    }
    case 'list': {
      const listed = await orError(engine.channels.list({ app, signal }));
      if (listed instanceof ChannelError) yield listed;
      else {
        const text = listed.channels.map((channel) => `${channel}\n`).join('');
        yield { text, json: { operation, app, ...listed } };
      }
      return;
    }
    case 'read':
    case 'delete':
      for (const channel of action.channels) {
        if (signal.aborted) return;
        yield action.kind === 'read'
          ? await read(engine, app, channel, signal)
          : await remove(engine, app, channel, signal);
      }
  }
}

async function read(engine: Engine, app: string, channel: string, signal: AbortSignal): Promise<Said | ChannelError> {
  const found = await orError(engine.channels.read({ app, channel, signal }));
  if (found instanceof ChannelError) return found;
  const { storagePolicy, pushType } = found;
  return { text: `${channel}\t${storagePolicy}\t${pushType ?? '-'}\n`, json: { operation: 'read', app, ...found } };
}

async function remove(engine: Engine, app: string, channel: string, signal: AbortSignal): Promise<Said | ChannelError> {
  const deleted = await orError(engine.channels.delete({ app, channel, signal }));
  if (deleted instanceof ChannelError) return deleted;
  const found = deleted.wasThere ? 'deleted' : 'was not there';
  return { text: `${channel}\t${found}\n`, json: { operation: 'delete', app, ...deleted } };
}

async function orError<T>(promise: Promise<T>): Promise<T | ChannelError> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof ChannelError) return error;
    throw error;
  }
}

function errorJson({
  operation,
  app,
  channel,
  code,
  status,
  reason,
  message,
  processed,
  retryAfterMs,
  requestId,
}: ChannelError): object {
  return { operation, app, channel, error: { code, status, reason, message, processed, retryAfterMs, requestId } };
}

const unreachable: ReadonlySet<string> = new Set(['ERR_CHANNEL_UNREACHABLE', 'ERR_CHANNEL_CREDENTIAL']);

function exitCode(errors: readonly ChannelError[], done: number, isInterrupted: boolean): ExitCode {
  if (isInterrupted) return 130;
  if (errors.length === 0) return 0;
  return done === 0 && errors.every(({ code }) => unreachable.has(code)) ? 3 : 1;
}

/** Resolves also when nobody reads any more: the exit code still tells. */
async function print(text: string): Promise<void> {
  await new Promise<void>((resolve) => {
    process.stdout.once('error', () => resolve());
    process.stdout.write(text, () => resolve());
  });
}
