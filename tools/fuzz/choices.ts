// The body of a case read as a row of choices: whatever the bytes are, they mean something, so that a case can be
// mutated and shrunk without knowing what it does.

export class Choices {
  #bytes: Buffer = Buffer.alloc(0);
  #end = 0;
  at = 0;

  begin(bytes: Buffer, start: number, end: number): void {
    this.#bytes = bytes;
    this.#end = end;
    this.at = start;
  }

  get isSpent(): boolean {
    return this.at >= this.#end;
  }

  /** 0 when the bytes are used up. */
  next8(): number {
    return this.at < this.#end ? this.#bytes[this.at++] : 0;
  }

  next16(): number {
    return (this.next8() << 8) | this.next8();
  }

  next32(): number {
    return ((this.next16() << 16) | this.next16()) >>> 0;
  }

  /** Passes over as many bytes as there are, at most `count`; they end at the new `at`. */
  take(count: number): number {
    const taken = Math.min(count, this.#end - this.at);
    this.at += taken;
    return taken;
  }
}
