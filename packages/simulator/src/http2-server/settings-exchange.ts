// Our SETTINGS under way: what we sent counts from the peer's acknowledgement on (RFC 9113 §6.5.3), in order.

export type SettingPairs = readonly (readonly [id: number, value: number])[];

export class SettingsExchange {
  readonly #sent: SettingPairs[] = [];

  sent(settings: SettingPairs): void {
    this.#sent.push(settings);
  }

  /** What the peer has now applied; null: it acknowledged what was never sent. */
  takeAcknowledged(): SettingPairs | null {
    return this.#sent.shift() ?? null;
  }

  get unacknowledged(): number {
    return this.#sent.length;
  }
}
