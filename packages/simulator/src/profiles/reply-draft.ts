// An answer on its way to the wire: what a well-behaved gateway would write, which reply faults then spoil.
import type { HeaderField } from '@carillon/frames';

import type { ServerConnection } from '../http2-server/server-connection.ts';
import type { ServerStream } from '../http2-server/server-stream.ts';
import type { PlannedReply } from '../rules/judge-request.ts';

export interface ReplyDraft {
  /** Before the final HEADERS: 1xx statuses. */
  readonly interims: readonly number[];
  readonly fields: readonly HeaderField[];
  readonly body: Buffer;
  /** Largest DATA frame; 0: what windows and settings allow. */
  readonly splitBytes: number;
  /** HEADERS and CONTINUATION frames of the field block. */
  readonly pieces: number;
  readonly trailers: readonly HeaderField[] | null;
}

/** apns-protocol.md A.6: 200 is HEADERS alone; errors carry JSON. */
export function draftReply(reply: PlannedReply): ReplyDraft {
  const fields: HeaderField[] = [{ name: ':status', value: String(reply.status) }];
  fields.push({ name: reply.idName, value: reply.apnsId, indexing: 'without' });
  if (reply.channelId !== null) fields.push({ name: 'apns-channel-id', value: reply.channelId, indexing: 'without' });
  if (reply.uniqueId !== null) fields.push({ name: 'apns-unique-id', value: reply.uniqueId, indexing: 'without' });
  if (reply.retryAfter !== null) fields.push({ name: 'retry-after', value: reply.retryAfter, indexing: 'without' });
  if (reply.body !== '') fields.push({ name: 'content-type', value: 'application/json' });
  return {
    interims: [],
    fields,
    body: Buffer.from(reply.body, 'utf8'),
    splitBytes: reply.splitBytes,
    pieces: 1,
    trailers: null,
  };
}

export const emptyDraft: ReplyDraft = {
  interims: [],
  fields: [],
  body: Buffer.alloc(0),
  splitBytes: 0,
  pieces: 1,
  trailers: null,
};

export function writeReply(http2: ServerConnection, stream: ServerStream, draft: ReplyDraft): void {
  for (const status of draft.interims)
    http2.writeHeaders(stream.id, [{ name: ':status', value: String(status) }], false);
  const hasBody = draft.body.length > 0;
  const hasTrailers = draft.trailers !== null;
  http2.writeHeaders(stream.id, draft.fields, !hasBody && !hasTrailers, draft.pieces);
  if (hasBody) {
    const frameBytesMax = draft.splitBytes > 0 ? draft.splitBytes : Number.POSITIVE_INFINITY;
    http2.writeData(stream, draft.body, !hasTrailers, frameBytesMax);
  }
  if (draft.trailers !== null) http2.writeHeaders(stream.id, draft.trailers, true);
}
