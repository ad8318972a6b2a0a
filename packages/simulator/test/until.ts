// For what happens in the gateway and sends no frame: looks every few milliseconds, and gives up after five seconds.
const lookMs = 5;
const waitMs = 20_000;

export async function until(what: string, isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + waitMs;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
