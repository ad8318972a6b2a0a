// What a parse function returns in place of a value it cannot accept: a value, never a throw, because bad input is
// something the world does. A message names the field, shows the value in short and says what would be right.

/** Stable: receipts, tests and users' programs match on them. Every one begins with "local.": Apple was not asked. */
export type ApnsFaultCode =
  | 'local.bad-device-token'
  | 'local.bad-channel'
  | 'local.bad-storage-policy'
  | 'local.bad-topic'
  | 'local.bad-push-type'
  | 'local.bad-priority'
  | 'local.bad-collapse-id'
  | 'local.bad-apns-id'
  | 'local.bad-expiration'
  | 'local.bad-environment'
  | 'local.bad-endpoint'
  | 'local.bad-key-id'
  | 'local.bad-team-id'
  | 'local.bad-signing-key'
  | 'local.signing-key-unreadable'
  | 'local.signing-key-not-p256'
  | 'local.signing-key-is-certificate'
  | 'local.bad-certificate'
  | 'local.certificate-key-mismatch'
  | 'local.certificate-not-valid'
  | 'local.certificate-wrong-environment'
  | 'local.certificate-wrong-topic';

export interface ApnsFault {
  readonly kind: 'fault';
  readonly code: ApnsFaultCode;
  /** The name of the field as a job or a configuration file writes it, for example `collapseId`. */
  readonly field: string;
  readonly message: string;
}

export function fault(code: ApnsFaultCode, field: string, message: string): ApnsFault {
  return { kind: 'fault', code, field, message };
}

export function isFault(value: unknown): value is ApnsFault {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'fault';
}
