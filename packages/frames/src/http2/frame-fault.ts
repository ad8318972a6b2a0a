// What is wrong with a frame a peer sent. A fault is a value: the session answers it with RST_STREAM or GOAWAY.

/** RFC 9113 §5.4: a connection fault ends the connection (GOAWAY), a stream fault only that stream (RST_STREAM). */
export interface FrameFault {
  readonly scope: 'stream' | 'connection';
  /** One of `ErrorCode`. */
  readonly code: number;
  /** The stream of the frame; 0 when the frame belongs to the connection. */
  readonly streamId: number;
  /** For people; may change. */
  readonly message: string;
}

export function connectionFault(code: number, streamId: number, message: string): FrameFault {
  return { scope: 'connection', code, streamId, message };
}

export function streamFault(code: number, streamId: number, message: string): FrameFault {
  return { scope: 'stream', code, streamId, message };
}
