// The numbers of RFC 9113 that both sides must spell alike: frame types, flags, error codes, settings and limits.

/** RFC 9113 §6. */
export const FrameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** RFC 9113 §6: `ack` and `endStream` are the same bit, on different frame types. */
export const FrameFlag = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** RFC 9113 §7. Codes above these are legal and count as INTERNAL_ERROR. */
export const ErrorCode = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  connectError: 0xa,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
  http11Required: 0xd,
} as const;

/** RFC 9113 §6.5.2. */
export const SettingId = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

/** RFC 9113 §4.1. */
export const frameHeaderBytes = 9;

/** RFC 9113 §4.2: every receiver takes frames of this payload, and no setting may ask for more than the second. */
export const frameBytesDefault = 16_384;
export const frameBytesLimit = 0xff_ff_ff;

/** RFC 9113 §5.1.1: 31 bits. */
export const streamIdMax = 0x7fff_ffff;

/** RFC 9113 §6.9.1: a flow-control window never exceeds 2^31-1 octets. */
export const windowMax = 0x7fff_ffff;

/** RFC 9113 §3.4: the 24 octets a client sends first. */
export const clientPreface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
