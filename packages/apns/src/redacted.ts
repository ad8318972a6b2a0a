// The base of everything that holds a secret: printing it, by any of the ways objects come to be printed, shows its kind
// and nothing else (design.md §6, invariant 8). Subclasses keep the secret in a #private field.

import { inspect } from 'node:util';

export abstract class Redacted {
  static {
    // isolatedDeclarations takes no method under a computed name.
    Object.defineProperty(this.prototype, inspect.custom, {
      value(this: Redacted): string {
        return this.describe();
      },
    });
  }

  /** What is shown in place of the secret, for example "[ProviderToken of key ABC123DEFG]". */
  protected abstract describe(): string;

  toString(): string {
    return this.describe();
  }

  toJSON(): string {
    return this.describe();
  }
}
