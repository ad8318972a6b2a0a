/**
 * Our wire path and nothing above it: @carillon/pool with frames and session, a status and a latency kept for each push,
 * a fresh apns-id for each push. What the engine adds is measured by `npm run bench -- engine`.
 */
import {
  ApnsIdGenerator,
  TopicBudget,
  headerPlan,
  openProviderTokenSource,
  parsePushType,
  parseTopic,
  isFault,
} from '@carillon/apns';
import type { ApnsFault, ProviderToken, PushType, Topic } from '@carillon/apns';
import { HeaderTemplate, Pool } from '@carillon/pool';
import type { Connection, PoolNotice, PoolWork, Reply, StreamFailure } from '@carillon/pool';
import { serveTask } from '../../load/client.ts';
import type { ClientReport, ClientTask, Meter } from '../../load/client.ts';
import { deviceTokens, payloadBytes, payloadText, tokenCount } from '../../load/traffic.ts';

/** A record: | device token, 64 | apns-id, 36 | payload, 282 |, and where slots 0 to 3 of the header plan lie. */
const apnsIdAt = 64;
const bodyAt = 100;
const recordBytes = bodyAt + payloadBytes;
const spanStride = 8;

/** Sends the records round and round until so many pushes are out. */
class WireLoad implements PoolWork {
  readonly pool: Pool;
  readonly statuses: Uint16Array;
  readonly latencies: Float32Array;
  readonly #task: ClientTask;
  readonly #meter: Meter;
  readonly #records: Buffer;
  readonly #spans: Int32Array;
  readonly #ids = new ApnsIdGenerator();
  readonly #plans: Plans;
  #sent = 0;
  #isReady = false;
  #settle: { resolve: () => void; reject: (error: Error) => void } | null = null;

  constructor(task: ClientTask, meter: Meter) {
    this.#task = task;
    this.#meter = meter;
    this.statuses = new Uint16Array(task.pushes);
    this.latencies = new Float32Array(task.pushes);
    this.#records = writeRecords();
    this.#spans = spansOfRecords();
    this.#plans = new Plans(task);
    const policy = { connectionsMax: task.connections, streamsMax: task.inFlight, growAfterMs: 0 };
    this.pool = new Pool({ host: '127.0.0.1', port: task.port, tls: { ca: task.ca }, policy }, this);
  }

  send(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.pool.wake();
    });
  }

  fill(connection: Connection, most: number): boolean {
    if (!this.#isReady && !this.#areAllThere()) return true;
    const { pushes } = this.#task;
    const records = this.#records;
    const templates = this.#plans.templatesOf(connection);
    for (let left = most; left > 0; left--) {
      const tag = this.#sent;
      if (tag === pushes) return false;
      const record = tag % tokenCount;
      const start = record * recordBytes;
      this.#ids.write(records, start + apnsIdAt);
      const template = templates[tag % templates.length];
      if (
        !connection.open(template, records, this.#spans, record * spanStride, start + bodyAt, start + recordBytes, tag)
      )
        return true;
      this.#sent = tag + 1;
    }
    return this.#sent < pushes;
  }

  onReply(_connection: Connection, tag: number, reply: Reply): void {
    if (this.statuses[tag] !== 0) this.#fail(`push ${tag} was answered twice`);
    this.statuses[tag] = reply.status;
    this.latencies[tag] = reply.latencyMs;
    this.#meter.answered(reply.status);
    if (this.#meter.answers === this.#task.pushes) this.#settle?.resolve();
  }

  onFailure(_connection: Connection, tag: number, failure: StreamFailure): void {
    this.#fail(`push ${tag}: ${failure.message}`);
  }

  onNotice(notice: PoolNotice): void {
    if (notice.kind === 'dial-failed') this.#fail(notice.error.message);
    else if (notice.kind === 'closed' && notice.closure.kind !== 'local') this.#fail(notice.closure.message);
  }

  /** The load begins when all connections stand, so that they share it. */
  #areAllThere(): boolean {
    const { connections } = this.pool;
    if (connections.length < this.#task.connections || connections.some((connection) => !connection.isUsable))
      return false;
    this.#isReady = true;
    this.pool.wake();
    return true;
  }

  #fail(message: string): void {
    this.#settle?.reject(new Error(message));
  }
}

/** Header templates, one a topic and connection: as many topics as asked for take turns push by push. */
class Plans {
  readonly #authority: string;
  readonly #token: ProviderToken;
  readonly #pushType: PushType;
  readonly #topics: readonly Topic[];

  constructor(task: ClientTask) {
    const { keyPem: key, keyId, teamId, topic, topics } = task;
    this.#authority = `127.0.0.1:${task.port}`;
    this.#token = good(openProviderTokenSource({ key, keyId, teamId })).tokenAt(Date.now());
    this.#pushType = good(parsePushType('alert'));
    this.#topics = Array.from({ length: topics }, (_, number) =>
      good(parseTopic(topics === 1 ? topic : `${topic}.edition-${number}`)),
    );
  }

  templatesOf(connection: Connection): readonly HeaderTemplate[] {
    connection.binding ??= this.#make(connection);
    return connection.binding as readonly HeaderTemplate[]; // nobody else writes there
  }

  #make(connection: Connection): HeaderTemplate[] {
    const budget = new TopicBudget();
    const head = {
      authority: this.#authority,
      providerToken: this.#token,
      pushType: this.#pushType,
      priority: 10,
    } as const;
    return this.#topics.map(
      (topic) =>
        new HeaderTemplate(connection.encoder, headerPlan({ ...head, topic, isTopicIndexed: budget.admit(topic) })),
    );
  }
}

function good<T extends object | string>(parsed: T | ApnsFault): T {
  if (isFault(parsed)) throw new Error(parsed.message);
  return parsed; // not a fault, as was just asked
}

function writeRecords(): Buffer {
  const records = Buffer.alloc(tokenCount * recordBytes);
  for (const [number, token] of deviceTokens().entries()) {
    records.write(token, number * recordBytes, 'latin1');
    records.write(payloadText(number), number * recordBytes + bodyAt, 'latin1');
  }
  return records;
}

function spansOfRecords(): Int32Array {
  const spans = new Int32Array(tokenCount * spanStride).fill(-1);
  for (let number = 0; number < tokenCount; number++) {
    const start = number * recordBytes;
    spans.set([start, start + apnsIdAt, start + apnsIdAt, start + bodyAt], number * spanStride);
  }
  return spans;
}

serveTask(async (task, meter): Promise<Partial<ClientReport>> => {
  const load = new WireLoad(task, meter);
  meter.begin();
  await load.send();
  const { latencies } = load;
  await load.pool.drain();
  latencies.sort();
  return {
    p50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? NaN,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? NaN,
  };
});
