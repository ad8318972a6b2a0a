// Decoded field blocks into requests: RFC 9113 §8.2 and §8.3, what makes a request malformed.
import type { DecodedField, FieldSink } from '@carillon/frames';

import type { ServerStream } from './server-stream.ts';

/** RFC 9113 §8.2.2. */
const connectionFields = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']);
const requestPseudoFields = new Set([':method', ':scheme', ':path', ':authority']);
const requiredPseudoFields = [':method', ':scheme', ':path'];
/** RFC 9113 §8.2.1: tokens of RFC 9110 without upper case. */
const fieldName = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
/** RFC 9113 §8.2.1: no NUL, CR or LF anywhere, no white space at either end. */
const badFieldValue = /[\0\r\n]|^[ \t]|[ \t]$/;

export class RequestFields implements FieldSink {
  /** Why the request is malformed; null: so far it is not. */
  fault: string | null = null;
  readonly #stream: ServerStream;
  readonly #isTrailers: boolean;
  readonly #seen = new Set<string>();
  #hasRegularField = false;

  constructor(stream: ServerStream, isTrailers: boolean) {
    this.#stream = stream;
    this.#isTrailers = isTrailers;
  }

  onField(field: DecodedField): void {
    const name = field.name();
    const value = field.value();
    if (badFieldValue.test(value)) this.fault ??= `bad value of ${name}`;
    if (name.startsWith(':')) this.#onPseudoField(name, value);
    else this.#onRegularField(name, value);
  }

  /** All fields are in: null, or why the request is malformed. */
  finish(): string | null {
    if (this.#isTrailers) return this.fault;
    for (const name of requiredPseudoFields) if (!this.#seen.has(name)) this.fault ??= `${name} is missing`;
    if (this.#stream.path === '') this.fault ??= ':path is empty';
    return this.fault;
  }

  #onPseudoField(name: string, value: string): void {
    if (this.#isTrailers) this.fault ??= 'pseudo-field in trailers';
    if (this.#hasRegularField) this.fault ??= `${name} after a regular field`;
    if (!requestPseudoFields.has(name)) this.fault ??= `unknown pseudo-field ${name}`;
    if (this.#seen.has(name)) this.fault ??= `${name} is repeated`;
    this.#seen.add(name);
    if (name === ':method') this.#stream.method = value;
    else if (name === ':path') this.#stream.path = value;
  }

  #onRegularField(name: string, value: string): void {
    this.#hasRegularField = true;
    if (!fieldName.test(name)) this.fault ??= `bad field name ${JSON.stringify(name)}`;
    if (connectionFields.has(name)) this.fault ??= `connection-specific field ${name}`;
    if (name === 'te' && value !== 'trailers') this.fault ??= 'te is not trailers';
    if (this.#isTrailers) return;
    if (name === 'content-length') {
      if (!/^\d{1,15}$/.test(value)) this.fault ??= 'bad content-length';
      this.#stream.declaredBytes = Number(value);
    }
    this.#stream.fields.push({ name, value });
  }
}
