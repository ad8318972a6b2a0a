/** The stages above the session, through the doors of @carillon/pool and @carillon/engine, with a gateway in memory. */
import { createEngine } from '@carillon/engine';
import type { Engine } from '@carillon/engine';
import { InlinePreparer } from '@carillon/payload';
import type { PreparedBatch, Preparer } from '@carillon/payload';
import { HeaderTemplate, Pool } from '@carillon/pool';
import type { Connection, PoolWork } from '@carillon/pool';
import { generateKeyPairSync } from 'node:crypto';
import { ndjsonChunks } from '../load/traffic.ts';
import { bodyAt, count, plan, pushes, spanStride } from './fixtures.ts';
import { memoryDialer } from './memory-gateway.ts';
import type { Micro } from './micro.ts';

/** Opens `count` streams when told to, and says when all were answered. */
class Rounds implements PoolWork {
  readonly #pushes = pushes();
  readonly #pool: Pool;
  #left = 0;
  #unanswered = 0;
  #resolve: (() => void) | null = null;

  constructor() {
    this.#pool = new Pool(
      { host: 'memory', port: 1, tls: {}, dialer: memoryDialer, policy: { connectionsMax: 1 } },
      this,
    );
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  round(): Promise<void> {
    this.#left = count;
    this.#unanswered = count;
    this.#pool.wake();
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  fill(connection: Connection): boolean {
    connection.binding ??= new HeaderTemplate(connection.encoder, plan());
    const template = connection.binding as HeaderTemplate; // nobody else writes there
    const { bytes, spans, recordBytes } = this.#pushes;
    for (; this.#left > 0; this.#left--) {
      const number = count - this.#left;
      const start = number * recordBytes;
      if (!connection.open(template, bytes, spans, number * spanStride, start + bodyAt, start + recordBytes, number))
        return true;
    }
    return false;
  }

  onReply(): void {
    if (--this.#unanswered === 0) this.#resolve?.();
  }

  onFailure(): void {
    throw new Error('a push failed');
  }

  onNotice(): void {}
}

const poolRound: Micro = {
  name: 'pool: slabs + connection + session',
  question:
    'What does a push cost with its slab, flush and turn, socket and TLS left out? The gateway in memory is in it.',
  calls: count,
  prepare(atEnd) {
    const rounds = new Rounds();
    atEnd(() => rounds.close());
    return async () => {
      await rounds.round();
      return count;
    };
  },
};

/** An engine over the gateway in memory. */
function engineInMemory(preparer: Preparer): Engine {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const credential = { kind: 'token', key, keyId: 'KEY1234567', teamId: 'TEAM123456' } as const;
  return createEngine({
    connectionsMax: 1,
    apps: { news: { topic: 'com.example.news', endpoint: 'https://memory.invalid:443', credential } },
    seams: { dialer: memoryDialer, preparer },
  });
}

const engineRound: Micro = {
  name: 'engine: lane to receipt',
  question:
    'What do lane, fair turns, attempt, judgement and the receipt object add to the pool? Records are prepared already.',
  calls: count,
  prepare(atEnd) {
    const lines = ndjsonChunks(count, count)[0];
    const batch: PreparedBatch = new InlinePreparer().prepare(lines, 1);
    const engine = engineInMemory({ prepare: () => batch, close: () => Promise.resolve() });
    atEnd(() => engine.close());
    return async () => {
      let receipts = 0;
      for await (const some of engine.sendBytes([Buffer.from('\n')])) receipts += some.length;
      if (receipts !== count) throw new Error(`${receipts} receipts for ${count} pushes`);
      return receipts;
    };
  },
};

export const engineMicros: readonly Micro[] = [poolRound, engineRound];
