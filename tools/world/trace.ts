// What happened in a world, in order: a hash that tells two runs apart, and on demand one line for each thing.
import { FrameType } from '../../packages/frames/src/index.ts';
import type { Cut, LinkObserver } from './memory-link.ts';
import type { NetworkObserver } from './network.ts';
import type { VirtualTime } from './virtual-time.ts';

const frameNames: ReadonlyMap<number, string> = new Map(
  Object.entries(FrameType).map(([name, type]) => [type as number, name]),
);

export class Trace implements NetworkObserver {
  readonly #time: VirtualTime;
  readonly #write: ((line: string) => void) | null;
  #high = 0x9e3779b9 | 0;
  #low = 0x85ebca6b | 0;

  /** `write` gets the lines; null: nobody reads them. */
  constructor(time: VirtualTime, write: ((line: string) => void) | null) {
    this.#time = time;
    this.#write = write;
  }

  /** 16 hex digits. */
  get hash(): string {
    return [this.#high, this.#low].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }

  get isRead(): boolean {
    return this.#write !== null;
  }

  /** Anything that is worth a line. */
  note(what: string): void {
    this.#stamp();
    for (let at = 0; at < what.length; at++) this.#mix(what.charCodeAt(at));
    this.#line(what);
  }

  onDial(dial: number, what: string): void {
    this.note(`dial ${dial}: ${what}`);
  }

  linkObserver(connection: number): LinkObserver {
    const frames = { 'to-gateway': new FrameLister(true), 'to-client': new FrameLister(false) };
    return {
      onBytes: (way: Cut['way'], bytes: Buffer) => {
        this.#stamp();
        this.#mix(connection);
        this.#mix(bytes.length);
        // Every octet counts: a jumbled order of two segments must not go unnoticed.
        for (let at = 0; at < bytes.length; at++) this.#mix(bytes[at]);
        if (this.#write === null) return;
        const arrow = way === 'to-gateway' ? '→' : '←';
        this.#line(`${connection} ${arrow} ${bytes.length} octets: ${frames[way].list(bytes)}`);
      },
      onEnd: (what: string) => this.note(`${connection} ✂ ${what}`),
    };
  }

  #stamp(): void {
    this.#mix(Math.round(this.#time.now * 1000) | 0);
  }

  #mix(word: number): void {
    this.#high = Math.imul(this.#high ^ word, 0x01000193);
    this.#low = Math.imul((this.#low << 5) - this.#low + word, 0x85ebca6b) ^ (this.#low >>> 13);
  }

  #line(what: string): void {
    this.#write?.(`${(this.#time.now / 1000).toFixed(4).padStart(10)} s  ${what}`);
  }
}

/** Names the frames that begin in the octets that pass. */
class FrameLister {
  /** Octets of the preface or of a frame's payload that are still to come. */
  #skip: number;
  #head: Buffer = Buffer.alloc(0);

  constructor(hasPreface: boolean) {
    this.#skip = hasPreface ? 24 : 0; // RFC 9113 §3.4
  }

  list(bytes: Buffer): string {
    const names: string[] = [];
    let at = 0;
    while (at < bytes.length) {
      const skipped = Math.min(this.#skip, bytes.length - at);
      this.#skip -= skipped;
      at += skipped;
      const taken = Math.min(9 - this.#head.length, bytes.length - at);
      this.#head = Buffer.concat([this.#head, bytes.subarray(at, at + taken)]);
      at += taken;
      if (this.#head.length < 9) break;
      const [length, type, flags] = [this.#head.readUIntBE(0, 3), this.#head[3], this.#head[4]];
      const stream = this.#head.readUInt32BE(5) & 0x7fffffff;
      const name = frameNames.get(type) ?? `type ${type}`;
      const detail = type === FrameType.goAway || type === FrameType.rstStream ? ` ${hexOf(bytes, at, length)}` : '';
      names.push(
        `${name}${flags === 0 ? '' : `/${flags.toString(16)}`}(${stream === 0 ? '' : `${stream}, `}${length})${detail}`,
      );
      this.#skip = length;
      this.#head = Buffer.alloc(0);
    }
    return names.length === 0 ? '…' : names.join(' ');
  }
}

function hexOf(bytes: Buffer, at: number, length: number): string {
  return bytes.subarray(at, at + Math.min(length, 8)).toString('hex');
}
