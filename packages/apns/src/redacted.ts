// The base of everything that holds a secret: printing it, by any of the ways objects come to be printed, shows its kind
// and nothing else (design.md §6, invariant 8). Subclasses keep the secret in a #private field.

// Node's own name for it, as `util.inspect.custom` has it (node:util, "Custom inspection functions on objects").
const inspectCustom: unique symbol = Symbol.for('nodejs.util.inspect.custom');

export abstract class Redacted {
  /** What is shown in place of the secret, for example "[ProviderToken of key ABC123DEFG]". */
  protected abstract describe(): string;

  toString(): string {
    return this.describe();
  }

  toJSON(): string {
    return this.describe();
  }

  [inspectCustom](): string {
    return this.describe();
  }
}
