// The referee's PINGs: sent where they are due, for as long as anybody is connected.
import type { Profile } from './profiles/profile.ts';
import type { SimulatorClock, SimulatorTimer } from './seams.ts';

/** They are looked after this often; each connection gets one in 250 ms at most. */
const lookMs = 50;

export class Marking {
  readonly #profile: Profile;
  readonly #clock: SimulatorClock;
  #timer: SimulatorTimer | null = null;

  constructor(profile: Profile, clock: SimulatorClock) {
    this.#profile = profile;
    this.#clock = clock;
  }

  /** Somebody connected. */
  wake(): void {
    this.#timer ??= this.#clock.setTimer(lookMs, () => {
      this.#timer = null;
      if (this.#profile.mark()) this.wake();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
