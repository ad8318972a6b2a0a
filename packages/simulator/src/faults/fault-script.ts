// A fault script: what goes wrong, when, and how often. Plain JSON data; each action's behaviour is a row of a table in
// handshake-actions.ts, connection-actions.ts or reply-actions.ts.
//
//   { "faults": [
//     { "id": "drain", "when": { "on": "reply", "nth": 50 }, "action": { "kind": "goaway" } },
//     { "id": "ten-percent", "when": { "on": "request", "every": 10 }, "action": { "kind": "rst", "code": 7 } } ] }

export interface FaultScript {
  readonly faults: readonly Fault[];
}

export interface Fault {
  /** For `stats().fired`, and to fire it by command. Default: the action's kind and the place in the list. */
  readonly id?: string;
  readonly when: FaultTrigger;
  readonly action: FaultAction;
}

export interface FaultTrigger {
  /**
   * accept: TCP is there, TLS is not (handshake actions). start: TLS is there, nothing was sent (SETTINGS would be next).
   * request: a request is complete and not yet answered. reply: an answer was written. byte: octets of the client
   * arrived. time: `afterMs` after the start. command: only when told.
   */
  readonly on: 'accept' | 'start' | 'request' | 'reply' | 'byte' | 'time' | 'command';
  /** Only on these connections, counted from 1. Default: on all. */
  readonly connections?: readonly number[];
  /** request and reply: the nth, and with `every` each multiple. One of them, or every single one. byte: the nth octet. */
  readonly nth?: number;
  readonly every?: number;
  /** request and reply: so many are passed over before counting begins. */
  readonly skip?: number;
  /** request and reply: count over all connections instead of each by itself. */
  readonly inAll?: boolean;
  /** request: only device tokens that begin so. */
  readonly token?: string;
  /** time. */
  readonly afterMs?: number;
  /** Fires at most so often in all. Default: as often as it applies. */
  readonly times?: number;
}

export type FaultAction = HandshakeAction | ConnectionAction | ReplyAction;

/** Instead of a TLS handshake. */
export type HandshakeAction =
  | { readonly kind: 'handshake-hang' }
  | { readonly kind: 'handshake-reset' }
  | { readonly kind: 'handshake-close' }
  /** RFC 8446 §6: 42 bad_certificate, 44 certificate_revoked, 70 protocol_version … */
  | { readonly kind: 'tls-alert'; readonly description: number };

/** To a connection. */
export type ConnectionAction =
  | {
      readonly kind: 'goaway';
      /**
       * exact (default): the highest stream so far. zero. max: 2^31-1 and nothing more. two-step: max, then exact after
       * `stepMs`. higher-second: exact, then a higher one, which RFC 9113 §6.8 forbids. Or a number.
       */
      readonly lastStreamId?: 'exact' | 'zero' | 'max' | 'two-step' | 'higher-second' | number;
      /** HTTP/2 error code. Default 0. */
      readonly code?: number;
      /** Debug data: text as it is, or the reason of a JSON object. */
      readonly debug?: string;
      readonly reason?: string;
      readonly stepMs?: number;
      /** On `start`: SETTINGS never come. */
      readonly insteadOfSettings?: boolean;
      /** False: the connection stays open when the last stream is answered. */
      readonly closes?: boolean;
    }
  | { readonly kind: 'no-settings' }
  | { readonly kind: 'settings'; readonly steps: readonly SettingsStep[] }
  /** No WINDOW_UPDATE from now on. */
  | { readonly kind: 'hold-windows' }
  /** Nothing goes out any more. */
  | { readonly kind: 'silence' }
  /** Nothing is read for `forMs`; without it for ever. */
  | { readonly kind: 'stop-reading'; readonly forMs?: number }
  | { readonly kind: 'tcp-reset' }
  /** close_notify and FIN; reading goes on. */
  | { readonly kind: 'half-close' }
  /** FIN without close_notify. */
  | { readonly kind: 'truncate' }
  | { readonly kind: 'close' }
  /**
   * To the whole gateway: every connection is reset and the port is closed; after `awayMs` (default 1,000) it listens there
   * again and knows what it knew. What it had taken and not answered stays taken. With `times`: 1, unless it is to come
   * again and again.
   */
  | { readonly kind: 'restart'; readonly awayMs?: number }
  /** Every write from now on in TLS records of so many octets. Default 1. */
  | { readonly kind: 'segments'; readonly bytes?: number }
  /** How PINGs are answered from now on: never, `delayMs` late, or with another payload. */
  | { readonly kind: 'ping-answers'; readonly how: 'none' | 'late' | 'wrong'; readonly delayMs?: number }
  | { readonly kind: 'ping' }
  | { readonly kind: 'unknown-frame'; readonly type?: number; readonly bytes?: number }
  | { readonly kind: 'unknown-setting' }
  | { readonly kind: 'priority' }
  /** HEADERS 200 on a stream that is idle, closed or even (a server's). */
  | { readonly kind: 'stray-reply'; readonly stream: 'idle' | 'closed' | 'even' }
  /** Any octets, as hex. */
  | { readonly kind: 'raw'; readonly hex: string }
  | { readonly kind: 'flood'; readonly of: FloodKind; readonly count?: number };

/** The frames of one flood; the CVEs are in apns-protocol.md H.6. */
export type FloodKind =
  | 'ping'
  | 'settings'
  | 'settings-ack'
  | 'rst'
  | 'window-update'
  | 'priority'
  | 'unknown'
  | 'empty-data'
  | 'dribble'
  | 'continuation'
  | 'hpack-bomb'
  | 'tiny-headers'
  | 'empty-headers'
  | 'push-promise';

export interface SettingsStep {
  /** After the step before. Default 0. */
  readonly afterMs?: number;
  readonly maxConcurrentStreams?: number;
  readonly initialWindowSize?: number;
  readonly maxFrameSize?: number;
  readonly headerTableSize?: number;
  readonly maxHeaderListSize?: number;
}

/** To one request, instead of or around its answer. */
export type ReplyAction =
  | {
      readonly kind: 'rst';
      /** Default 2, INTERNAL_ERROR. */
      readonly code?: number;
      /** A second RST_STREAM on the same stream. */
      readonly again?: number;
      /** Write the HEADERS of a 200 without END_STREAM first. */
      readonly afterHeaders?: boolean;
      /** Whether the push was taken (and is in the ledger). Default: yes, unless the code is REFUSED_STREAM (7). */
      readonly processed?: boolean;
    }
  | { readonly kind: 'no-answer' }
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Another answer than the rules would give. `bodyBytes`: a body of so many octets of no meaning. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly reason?: string;
      readonly retryAfter?: string;
      readonly body?: string;
      readonly bodyBytes?: number;
      /** Adds `content-encoding: gzip`; the body is not compressed. */
      readonly claimsGzip?: boolean;
    }
  /** DATA frames of so many octets. */
  | { readonly kind: 'split-body'; readonly bytes: number }
  | { readonly kind: 'continuation'; readonly pieces: number }
  | { readonly kind: 'interim'; readonly status?: number; readonly count?: number }
  | { readonly kind: 'trailers' }
  | { readonly kind: 'no-apns-id' }
  | { readonly kind: 'malformed'; readonly how: MalformedKind }
  | { readonly kind: 'push-promise' }
  /** One DATA frame of so many octets, whatever the client allows. Default 16,385. */
  | { readonly kind: 'oversized-data'; readonly bytes?: number };

export type MalformedKind =
  | 'no-status'
  | 'two-statuses'
  | 'bad-status'
  | 'upper-case'
  | 'pseudo-after-regular'
  | 'unknown-pseudo'
  | 'connection-field'
  | 'content-length'
  | 'data-first'
  | 'bad-hpack';
