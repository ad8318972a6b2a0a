/**
 * A callback of the owner's that throws is a bug of the owner's. It must not stop what the pool was about (other streams
 * wait for their end), and must not be lost: the error surfaces as an uncaught exception in a tick of its own, as Node's
 * EventTarget does it.
 */
export function surfaceBug(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
