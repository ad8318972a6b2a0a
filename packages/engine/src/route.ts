/**
 * Route: every record of a prepared batch finds its app, its head and its lane. Heads are looked up once a batch; a
 * record whose head names an app that is not there is refused like a bad line, and the others go on.
 */
import { checkBroadcastTopic, isFault, parseTopic, topicFor } from '@carillon/apns';
import type { ApnsFault, Topic } from '@carillon/apns';
import { RecordField, recordStride } from '@carillon/payload';
import type { HeadKey, PreparedBatch } from '@carillon/payload';
import type { App } from './app.ts';
import { Arena } from './arena.ts';
import { countWarnings } from './counters.ts';
import type { Head } from './head.ts';
import { notedOf } from './device-ledger.ts';
import { knownDead } from './outcome.ts';
import type { Pipeline } from './pipeline.ts';
import type { Sink } from './push.ts';
import type { Refused } from './receipt.ts';
import type { Source } from './source.ts';

export type Apps = ReadonlyMap<string, App>;

/** Why no push with this head can be sent. */
type HeadFault = Pick<Refused, 'code' | 'message'>;

/**
 * Puts every good record of `batch` in its lane, to settle to `sinks` (one for all, or one a record); `onRefused` gets
 * the others. The caller has counted them in at the door.
 */
export function routeBatch(
  batch: PreparedBatch,
  sinks: Sink | readonly Sink[],
  apps: Apps,
  pipeline: Pipeline,
  onRefused: (record: number, refused: Refused) => void,
): void {
  const { count, index, deadlines } = batch;
  const { clock, settings, pushes, admission } = pipeline;
  const { dead } = pipeline.ledger;
  const single = 'settled' in sinks ? sinks : null;
  const each = single === null ? (sinks as readonly Sink[]) : [];
  const now = clock.now();
  const epochMs = clock.epochMs();
  pipeline.turnAt = now;
  countWarnings(pipeline.counters, batch);
  const heads = batch.heads.map((key) => resolveHead(key, apps, pipeline));
  const sources = heads.map((head) => ('code' in head ? null : (single?.sourceOf?.(head.app) ?? head.app.source)));
  const isOfOneSource = single !== null && sources.every((source) => source === sources[0]);
  const arena = new Arena(batch.bytes, index, batch.warnings, pipeline.letArenaGo);
  if (isOfOneSource) arena.source = sources[0];
  // Routing itself holds the arena: a push may settle before the last one is routed.
  arena.pushes = 1;
  admission.hold(arena.heldBytes);
  const outlets = new Set<App['outlet']>();
  for (let record = 0; record < count; record++) {
    const at = record * recordStride;
    const head = heads[index[at + RecordField.head]]; // heads of the batch are dense
    if ('code' in head) {
      const { code, message } = head;
      const { isBroadcast } = batch.heads[index[at + RecordField.head]];
      const address = isBroadcast ? { token: null, channel: arena.token(at) } : { token: arena.token(at) };
      onRefused(record, { code, message, line: arena.line(at), id: arena.id(at), app: null, ...address });
      continue;
    }
    const deadline = deadlines[record];
    const deadlineAt = Number.isNaN(deadline) ? now + settings.deadlineMs : now + (deadline - epochMs);
    const source = sources[index[at + RecordField.head]] as Source; // it is null where the head has a fault
    const push = pushes.take(arena, at, head, single ?? each[record], now, deadlineAt, source);
    arena.pushes++;
    // Conduct `dead-tokens-stay-dead`: APNs is not asked again.
    const since = dead.size > 0 ? notedOf(dead, push) : null;
    if (since !== null) {
      pipeline.finish(push, knownDead(since), null);
      continue;
    }
    if (pipeline.wait(push)) outlets.add(head.app.outlet);
  }
  arena.release();
  for (const outlet of outlets) outlet.wake();
}

function resolveHead(key: HeadKey, apps: Apps, pipeline: Pipeline): Head | HeadFault {
  const app = key.app === null ? onlyApp(apps) : apps.get(key.app);
  if (app === undefined) {
    const names = [...apps.keys()].slice(0, 5).join(', ');
    const message =
      key.app === null
        ? `app is missing, and there are several; one of ${names} is right`
        : `app ${JSON.stringify(key.app)} is not configured; one of ${names} is right`;
    return { code: 'local.unknown-app', message };
  }
  const topic = topicOf(key, app);
  if (isFault(topic)) return topic;
  const head = pipeline.heads.intern(app, topic, key.pushType, key.priority, key.isBroadcast);
  if (head !== null) return head;
  const message = `topic ${JSON.stringify(topic)} is one too many: ${pipeline.heads.size} topics, push types and priorities are in use`;
  return { code: 'local.too-many-topics', message };
}

function topicOf(key: HeadKey, app: App): Topic | ApnsFault {
  if (key.isBroadcast) return bundleIdOf(key, app);
  return key.topic === null ? topicFor(app.topic, key.pushType) : parseTopic(key.topic);
}

/** A broadcast names its app in the path, without a suffix. */
function bundleIdOf(key: HeadKey, app: App): Topic | ApnsFault {
  const topic = key.topic === null ? app.topic : parseTopic(key.topic);
  return isFault(topic) ? topic : (checkBroadcastTopic(topic) ?? topic);
}

export function onlyApp(apps: Apps): App | undefined {
  return apps.size === 1 ? apps.values().next().value : undefined;
}
