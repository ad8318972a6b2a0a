// Engine events → log lines, and what the summary wants to know of them.
import type { EngineEvent } from '@carillon/engine';
import type { Logger } from 'pino';

interface Telling {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly says: string;
  /** Stands between jobs and their being accepted: the summary repeats it when nothing was. */
  readonly isTrouble: boolean;
}

/** Every kind of event has to be here, or this does not compile. */
const tellings: Readonly<Record<EngineEvent['kind'], Telling>> = {
  'connection-opened': { level: 'debug', says: 'connected', isTrouble: false },
  'connection-closed': { level: 'debug', says: 'connection closed', isTrouble: false },
  goaway: { level: 'info', says: 'the gateway says goodbye', isTrouble: false },
  'dial-failed': { level: 'warn', says: 'no connection', isTrouble: true },
  'credential-fault': { level: 'error', says: 'the credential is refused', isTrouble: true },
  'credential-expiry': { level: 'warn', says: 'the credential expires', isTrouble: false },
  'signer-fault': { level: 'error', says: 'no provider token', isTrouble: true },
  'topic-fault': { level: 'error', says: 'the topic is refused', isTrouble: true },
  'gateway-fault': { level: 'warn', says: 'the gateway fails', isTrouble: true },
  probation: { level: 'warn', says: 'probation', isTrouble: false },
  'environment-hint': { level: 'error', says: 'the wrong environment', isTrouble: true },
  unreachable: { level: 'error', says: 'the gateway is unreachable', isTrouble: true },
};

/** Different messages that the summary repeats. */
const troublesMax = 3;

export class EventLog {
  readonly #logger: Logger;
  readonly #troubles: string[] = [];
  #opened = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Connections that were made. */
  get opened(): number {
    return this.#opened;
  }

  /** The first messages about a gateway that cannot be reached or refuses the credential. */
  get troubles(): readonly string[] {
    return this.#troubles;
  }

  onEvent(event: EngineEvent): void {
    if (event.kind === 'connection-opened') this.#opened += 1;
    const { level, says, isTrouble } = tellings[event.kind];
    const message = 'message' in event ? event.message : null;
    const { kind, ...facts } = event;
    // `message` is in the text already; pino leaves out what is undefined.
    this.#logger[level]({ event: kind, ...facts, message: undefined }, message === null ? says : `${says}: ${message}`);
    // Transport errors begin with the endpoint already.
    if (isTrouble && message !== null)
      this.#note(message.includes(event.endpoint) ? message : `${event.endpoint}: ${message}`);
  }

  #note(trouble: string): void {
    if (this.#troubles.length < troublesMax && !this.#troubles.includes(trouble)) this.#troubles.push(trouble);
  }
}
