// An owner of work for tests: it hands out numbered jobs, checks that each ends exactly once an attempt, and sends those
// again that were surely not processed.
import { HeaderTemplate } from '@carillon/pool';
import type { Connection, Pool, PoolNotice, PoolWork, Reply, StreamFailure } from '@carillon/pool';

export interface Failed {
  readonly tag: number;
  readonly failure: StreamFailure;
}

/** Bytes of a job: its name in ten digits, then its body. */
const nameBytes = 10;

export class Jobs implements PoolWork {
  pool: Pool | null = null;
  readonly notices: PoolNotice[] = [];
  readonly replied: number[] = [];
  readonly statuses = new Set<number>();
  /** Final failures: of attempts that may have been processed. */
  readonly failed: Failed[] = [];
  /** Attempts that were surely not processed; each is sent again. */
  resent = 0;
  /** On the wire: tag → connection. */
  readonly onWire = new Map<number, Connection>();
  /** Jobs wait for something of ours, a rate cap or a parked credential: nothing could go now. */
  isHeld = false;
  /** `fill` opens nothing and says that work waits. */
  opensNothing = false;
  /** Failures of all kinds are sent again. */
  resendsAll = false;
  onEvent: (event: 'fill' | 'reply' | 'failure' | 'notice', connection: Connection | null) => void = () => undefined;
  readonly #waiting: number[] = [];
  readonly #templates = new Map<Connection, HeaderTemplate>();
  readonly #spans = Int32Array.of(0, nameBytes);
  #bytes: Buffer = Buffer.alloc(nameBytes + 100);
  #next = 0;

  add(count: number, bodyBytes = 100): void {
    if (this.#bytes.length !== nameBytes + bodyBytes) this.#bytes = Buffer.alloc(nameBytes + bodyBytes, 'b');
    for (let left = count; left > 0; left--) this.#waiting.push(this.#next++);
    this.pool?.wake();
  }

  get added(): number {
    return this.#next;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get settled(): number {
    return this.replied.length + this.failed.length;
  }

  /** Notices of one kind. */
  told<Kind extends PoolNotice['kind']>(kind: Kind): Extract<PoolNotice, { kind: Kind }>[] {
    return this.notices.filter((notice): notice is Extract<PoolNotice, { kind: Kind }> => notice.kind === kind);
  }

  isWaiting(): boolean {
    return !this.isHeld && this.#waiting.length > 0;
  }

  fill(connection: Connection, most: number): boolean {
    this.onEvent('fill', connection);
    if (this.isHeld) return false;
    if (this.opensNothing) return true;
    const template = this.#templateOf(connection);
    const bytes = this.#bytes;
    for (let left = most; left > 0; left--) {
      const tag = this.#waiting[0];
      if (tag === undefined) return false;
      bytes.write(String(tag).padStart(nameBytes, '0'), 0, 'latin1');
      if (!connection.open(template, bytes, this.#spans, 0, nameBytes, bytes.length, tag)) return true;
      this.#waiting.shift();
      if (this.onWire.has(tag)) throw new Error(`job ${tag} is on the wire twice`);
      this.onWire.set(tag, connection);
    }
    return this.#waiting.length > 0;
  }

  onReply(connection: Connection, tag: number, reply: Reply): void {
    this.#settle(connection, tag);
    this.statuses.add(reply.status);
    this.replied.push(tag);
    connection.releaseProbe();
    this.onEvent('reply', connection);
  }

  onFailure(connection: Connection, tag: number, failure: StreamFailure): void {
    this.#settle(connection, tag);
    if (failure.processed === 'no' || this.resendsAll) {
      this.resent++;
      this.#waiting.unshift(tag);
      this.pool?.wake();
    } else this.failed.push({ tag, failure });
    this.onEvent('failure', connection);
  }

  onNotice(notice: PoolNotice): void {
    this.notices.push(notice);
    this.onEvent('notice', 'connection' in notice ? notice.connection : null);
  }

  #settle(connection: Connection, tag: number): void {
    if (this.onWire.get(tag) !== connection) throw new Error(`job ${tag} ended where it was not on the wire`);
    this.onWire.delete(tag);
  }

  #templateOf(connection: Connection): HeaderTemplate {
    let template = this.#templates.get(connection);
    if (template === undefined) {
      template = new HeaderTemplate(connection.encoder, [
        { name: ':method', value: 'POST' },
        { name: ':scheme', value: 'https' },
        { name: ':path', prefix: '/3/device/', slot: 0, indexing: 'without' },
        { name: ':authority', value: 'gateway.example' },
      ]);
      this.#templates.set(connection, template);
    }
    return template;
  }
}
