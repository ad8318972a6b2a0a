/** Waiting for a socket without leaving it unheard: whatever happens to it, somebody listens. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * A socket may fail again after the failure that somebody waited for, while it is torn down. Without a listener that
 * error would end the process. Whoever waits for a socket or owns it listens for himself as well.
 */
export function hearErrors(socket: Duplex): void {
  socket.on('error', () => undefined);
}

/** Resolves with `event`; rejects with the socket's error, or with `closed()` when it ends without one. */
export function whenReady(socket: Socket, event: 'connect' | 'secureConnect', closed: () => Error): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void): void => {
      socket.off(event, onReady);
      socket.off('error', onError);
      socket.off('close', onClose);
      done();
    };
    const onReady = (): void => settle(resolve);
    const onError = (error: Error): void => settle(() => reject(error));
    const onClose = (): void => settle(() => reject(closed()));
    socket.on(event, onReady);
    socket.on('error', onError);
    socket.on('close', onClose);
  });
}

/** Destroys `socket` with the reason of `signal` when that aborts; call what it returns when the socket may live. */
export function destroyOnAbort(socket: Socket, signal: AbortSignal): () => void {
  const abort = (): void => {
    socket.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  };
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return () => signal.removeEventListener('abort', abort);
}

/**
 * Reads from `socket` until `find` sees a whole message at the head of what came: it gets all bytes so far and says where
 * the message ends, or null. What follows the message goes back into the socket.
 */
export function readMessage(
  socket: Socket,
  find: (bytes: Buffer) => number | null,
  closed: () => Error,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0);
    const settle = (done: () => void): void => {
      socket.off('readable', onReadable);
      socket.off('error', onError);
      socket.off('close', onClosed);
      socket.off('end', onClosed);
      done();
    };
    const onReadable = (): void => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
        bytes = Buffer.concat([bytes, chunk]);
      }
      let end: number | null;
      try {
        end = find(bytes);
      } catch (error) {
        settle(() => reject(error instanceof Error ? error : new Error(String(error))));
        return;
      }
      if (end === null) return;
      const message = bytes.subarray(0, end);
      const rest = bytes.subarray(end);
      settle(() => {
        if (rest.length > 0) socket.unshift(rest);
        resolve(message);
      });
    };
    const onError = (error: Error): void => settle(() => reject(error));
    const onClosed = (): void => settle(() => reject(closed()));
    socket.on('readable', onReadable);
    socket.on('error', onError);
    socket.on('close', onClosed);
    socket.on('end', onClosed);
    onReadable();
  });
}
