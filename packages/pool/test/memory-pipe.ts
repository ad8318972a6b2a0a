// Two ends of a connection without a network. As with a socket, bytes arrive in a turn of their own, and a write is done
// when the other side has taken it. (Node's `duplexPair` delivers from inside `write`, which no socket does.)
import { Duplex } from 'node:stream';

class PipeEnd extends Duplex {
  other: PipeEnd | null = null;
  #onTaken: (() => void) | null = null;
  #hasEnded = false;

  override _read(): void {
    this.#take();
  }

  /** The write that this side had no room for is done. */
  #take(): void {
    const taken = this.#onTaken;
    this.#onTaken = null;
    taken?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callBack: (error?: Error | null) => void): void {
    const bytes = Buffer.from(chunk);
    setImmediate(() => {
      if (this.other === null || this.other.#hasEnded || this.other.destroyed) callBack();
      else if (this.other.push(bytes)) callBack();
      else this.other.#onTaken = callBack;
    });
  }

  override _final(callBack: (error?: Error | null) => void): void {
    setImmediate(() => {
      if (this.other !== null) this.other.#end();
      callBack();
    });
  }

  override _destroy(error: Error | null, callBack: (error?: Error | null) => void): void {
    setImmediate(() => {
      if (this.other !== null) this.other.#end();
    });
    this.#take();
    callBack(error);
  }

  #end(): void {
    if (this.#hasEnded || this.destroyed) return;
    this.#hasEnded = true;
    this.push(null);
  }
}

export function memoryPipe(): [Duplex, Duplex] {
  const [one, other] = [new PipeEnd({ allowHalfOpen: true }), new PipeEnd({ allowHalfOpen: true })];
  one.other = other;
  other.other = one;
  return [one, other];
}
