/** What an operator wants to hear of: connections, credentials, reachability. Redacted by construction: no bytes of pushes. */
export type EngineEvent =
  | {
      readonly kind: 'connection-opened';
      readonly endpoint: string;
      /** Of the connection that pushes on probation travel on. Ids count from 1 there, too. */
      readonly isProbation: boolean;
      readonly address: string;
      readonly connection: number;
    }
  | {
      readonly kind: 'connection-closed';
      readonly endpoint: string;
      readonly isProbation: boolean;
      readonly connection: number;
      readonly because: string;
      readonly message: string;
      readonly pushes: number;
    }
  | {
      readonly kind: 'dial-failed';
      readonly endpoint: string;
      readonly isProbation: boolean;
      readonly code: string;
      readonly message: string;
      readonly failures: number;
    }
  | {
      readonly kind: 'goaway';
      readonly endpoint: string;
      readonly isProbation: boolean;
      readonly connection: number;
      readonly reason: string | null;
      readonly message: string;
    }
  /** APNs refuses the credential: `parked` pushes wait for another (or are abandoned, by option). */
  | {
      readonly kind: 'credential-fault';
      readonly endpoint: string;
      readonly reason: string;
      readonly message: string;
      readonly waiting: number;
    }
  /** The embedder's signer failed; it is asked again. */
  | { readonly kind: 'signer-fault'; readonly endpoint: string; readonly message: string }
  /** A certificate in use ends within 30, 7 or 1 days. */
  | { readonly kind: 'credential-expiry'; readonly endpoint: string; readonly ends: string; readonly message: string }
  /** Server errors in a row: new pushes resume through one probe. */
  | { readonly kind: 'gateway-fault'; readonly endpoint: string; readonly message: string; readonly waiting: number }
  /** The credential may not use the topic: its pushes wait behind one probe, the others go on. */
  | {
      readonly kind: 'topic-fault';
      readonly endpoint: string;
      readonly app: string;
      readonly topic: string;
      readonly reason: string;
      readonly message: string;
    }
  /** A source (an app, or one call) is refused too often, and its pushes travel on probation; or it is not any more. */
  | {
      readonly kind: 'probation';
      readonly endpoint: string;
      readonly app: string;
      readonly source: 'app' | 'call';
      readonly isOn: boolean;
      readonly message: string;
    }
  /** Nearly all of the first device tokens of an app are refused: they seem to be of the other environment. */
  | { readonly kind: 'environment-hint'; readonly endpoint: string; readonly app: string; readonly message: string }
  /** No sign of life for `giveUpAfterMs`: what waited was abandoned. */
  | { readonly kind: 'unreachable'; readonly endpoint: string; readonly message: string; readonly abandoned: number };
