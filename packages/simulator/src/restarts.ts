// A gateway that goes away and comes back: connections reset, port closed, and after a while the same listener again. Rules,
// ledger and referee live on, so that what was said in one life is held against clients in the next.
import type { Listener } from './listener.ts';
import type { OpenGateway } from './open-gateway.ts';
import type { Profile } from './profiles/profile.ts';

export class Restarts {
  readonly #opened: OpenGateway<Profile>;
  readonly #listener: Listener;
  readonly #port: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(opened: OpenGateway<Profile>, listener: Listener, port: number) {
    this.#opened = opened;
    this.#listener = listener;
    this.#port = port;
  }

  /** Away for `awayMs`. One that is away already cannot go. */
  begin(awayMs: number): void {
    if (this.#timer !== null) return;
    const { gateway, profile, counters } = this.#opened;
    const restart = { atMs: gateway.clock.epochMs(), backAtMs: null as number | null };
    counters.restarts.push(restart);
    profile.drop();
    // Those whose handshake is under way.
    this.#listener.suspend((ordinal) => gateway.referee?.connection(ordinal)?.excuse());
    gateway.life += 1;
    // Keeps the process alive: with its port closed, nothing else does.
    this.#timer = setTimeout(() => {
      this.#timer = null;
      // Somebody else may have taken the port: then there is nothing to simulate any more, and the process ends with that.
      void this.#listener.listen(this.#port).then(() => (restart.backAtMs = gateway.clock.epochMs()));
    }, awayMs);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
