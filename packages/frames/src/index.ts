export type { DecodedField, FieldSink } from './hpack/decoded-field.ts';
export { HpackDecoder } from './hpack/decoder.ts';
export type { HpackDecoderOptions, HpackFault } from './hpack/decoder.ts';
export { HpackEncoder, fieldsBytesMax } from './hpack/encoder.ts';
export type { HpackEncoderOptions } from './hpack/encoder.ts';
export type { HeaderField, HeaderSlot, Indexing } from './hpack/header-field.ts';
export { HeaderTemplate } from './hpack/header-template.ts';
export {
  ErrorCode,
  FrameFlag,
  FrameType,
  SettingId,
  clientPreface,
  frameBytesDefault,
  frameBytesLimit,
  frameHeaderBytes,
  streamIdMax,
  windowMax,
} from './http2/constants.ts';
export { encodeContinuation } from './http2/continuation.ts';
export { encodeData, encodePaddedData } from './http2/data.ts';
export type { FrameFault } from './http2/frame-fault.ts';
export { encodeFrameHeader } from './http2/frame-header.ts';
export { FrameParser } from './http2/frame-parser.ts';
export type { FrameParserOptions } from './http2/frame-parser.ts';
export type { FrameSink } from './http2/frame-sink.ts';
export { encodeGoAway } from './http2/go-away.ts';
export { encodeHeaders, encodePaddedHeaders } from './http2/headers.ts';
export { encodePing } from './http2/ping.ts';
export { encodePriority } from './http2/priority.ts';
export { encodePushPromise } from './http2/push-promise.ts';
export { encodeRstStream } from './http2/rst-stream.ts';
export { encodeSettings, encodeSettingsAck } from './http2/settings.ts';
export { encodeWindowUpdate } from './http2/window-update.ts';
