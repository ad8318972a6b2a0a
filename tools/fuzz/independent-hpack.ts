// python3-hpack (Debian) as a second opinion: one process for a whole hunt, asked in batches, so that it works while
// the hunt goes on.
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { LateFault } from './fuzz-target.ts';
import type { Opinion } from './opinion.ts';

export interface Question {
  /** The whole case, for the report. */
  readonly bytes: Buffer;
  /** Settings, and blocks as hex. */
  readonly steps: readonly (number | string)[];
  /** Ours, by block. */
  readonly opinions: readonly Opinion[];
  /** Who wrote the blocks: what our encoder wrote must be read, by both alike. */
  readonly isEncoded: boolean;
}

/** The system's interpreter first: Debian's module belongs to it, whatever else is on the path. */
const interpreters = ['/usr/bin/python3', 'python3'];
/** One slice of the hunt may ask so much; python3-hpack reads some 20 blocks a millisecond. */
const questionsMax = 64;

export class IndependentHpack {
  readonly #child: ChildProcessByStdio<Writable, Readable, null> | null;
  readonly #answers: AsyncIterator<string> | null;
  #asked: Question[] = [];
  #waiting: Question[] = [];
  blocks = 0;
  /** Blocks that we refuse and RFC 7541 lets us refuse. */
  stricter = 0;

  constructor() {
    const python = interpreters.find((path) => spawnSync(path, ['-c', 'import hpack']).status === 0);
    if (python === undefined) {
      if (process.env['CI'] === 'true')
        throw new Error('python3-hpack is not installed: apt-get install python3-hpack');
      console.log('fuzz: python3-hpack is not installed, so nobody gives a second opinion on HPACK');
      this.#child = null;
      this.#answers = null;
      return;
    }
    const script = fileURLToPath(new URL('independent_hpack.py', import.meta.url));
    this.#child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get hasRoom(): boolean {
    return this.#child !== null && this.#waiting.length < questionsMax;
  }

  ask(question: Question): void {
    this.#waiting.push(question);
  }

  /** Compares the answers to the batch before, and sends the next one; for the last, waits for its answers too. */
  async settle(isLast: boolean): Promise<void> {
    await this.#exchange();
    if (isLast) await this.#exchange();
  }

  close(): void {
    this.#child?.stdin.end();
  }

  async #exchange(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const asked = this.#asked;
    this.#asked = this.#waiting;
    this.#waiting = [];
    if (this.#asked.length > 0) {
      const lines = this.#asked.map(({ steps }) => `${JSON.stringify(steps)}\n`).join('');
      if (!child.stdin.write(lines)) await once(child.stdin, 'drain');
    }
    let fault: LateFault | null = null;
    for (const question of asked) {
      const line = await this.#answers?.next();
      if (line === undefined || line.done === true) throw new Error('python3-hpack ended');
      // The script's own form, written in its head.
      const difference = this.#compare(question, JSON.parse(line.value) as Opinion[]);
      if (difference !== null) fault ??= new LateFault(difference, question.bytes);
    }
    if (fault !== null) throw fault;
  }

  #compare({ opinions, isEncoded, steps }: Question, theirs: readonly Opinion[]): string | null {
    const blocks = steps.filter((step) => typeof step === 'string');
    for (const [index, our] of opinions.entries()) {
      const their = theirs[index];
      this.blocks += 1;
      const at = `block ${index} (${blocks[index]}): `;
      if (typeof our === 'string') {
        if (typeof their === 'string') return isEncoded ? `${at}both refuse what we encoded: ${their}` : null;
        if (!isEncoded && mayBeStricter(our)) {
          this.stricter += 1;
          return null;
        }
        return `${at}we refuse it (${our}), python3-hpack reads ${JSON.stringify(their)}`;
      }
      if (typeof their === 'string') return `${at}we read ${JSON.stringify(our)}, python3-hpack refuses it (${their})`;
      if (JSON.stringify(our) !== JSON.stringify(their)) {
        return `${at}we read ${JSON.stringify(our)}, python3-hpack ${JSON.stringify(their)}`;
      }
    }
    return null;
  }
}

/**
 * python3-hpack takes integers of any length, empty names, and a table that shrank and grew again between two blocks
 * without a word. RFC 7541 §5.1 and §4.2 and RFC 9113 §8.2.1 let us refuse them, or make us.
 */
function mayBeStricter(problem: string): boolean {
  return [
    'an integer is too long',
    'an empty field name',
    'the size update after a smaller setting is missing',
  ].includes(problem);
}
