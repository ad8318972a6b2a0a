// What a script can do to the answer of one request: rows that spoil a draft, and rows that take its place.
import { encodeData, encodeHeaders, encodePushPromise, ErrorCode, FrameFlag } from '@carillon/frames';
import type { HeaderField } from '@carillon/frames';

import type { ServerConnection } from '../http2-server/server-connection.ts';
import type { ServerStream } from '../http2-server/server-stream.ts';
import type { ReplyDraft } from '../profiles/reply-draft.ts';
import { writeReply } from '../profiles/reply-draft.ts';
import type { MalformedKind, ReplyAction } from './fault-script.ts';

/** Everything a row needs: where the answer goes and what it would have been. */
export interface SpoiledReply {
  readonly http2: ServerConnection;
  readonly stream: ServerStream;
  readonly draft: ReplyDraft;
}

type Behaviours = {
  readonly [Kind in ReplyAction['kind']]: (reply: SpoiledReply, action: Extract<ReplyAction, { kind: Kind }>) => void;
};

const behaviours: Behaviours = {
  rst: ({ http2, stream }, { code, again, afterHeaders }) => {
    if (afterHeaders === true) http2.writeHeaders(stream.id, [{ name: ':status', value: '200' }], false);
    http2.writeReset(stream.id, code ?? ErrorCode.internalError);
    if (again !== undefined) http2.writeReset(stream.id, again);
  },
  'no-answer': () => {}, // the stream stays open for ever
  delay: (reply) => write(reply), // the waiting is done by the connection
  // Another answer was drafted already; here its body grows and lies.
  status: (reply, { bodyBytes, claimsGzip }) => {
    const encoding = { name: 'content-encoding', value: 'gzip' };
    write(reply, {
      ...(bodyBytes === undefined ? {} : { body: Buffer.alloc(bodyBytes, 'x') }),
      ...(claimsGzip === true ? { fields: [...reply.draft.fields, encoding] } : {}),
    });
  },
  'split-body': (reply, { bytes }) => write(reply, { splitBytes: bytes }),
  continuation: (reply, { pieces }) => write(reply, { pieces }),
  interim: (reply, { status, count }) => write(reply, { interims: Array<number>(count ?? 1).fill(status ?? 103) }),
  trailers: (reply) => write(reply, { trailers: [{ name: 'x-trailer', value: 'last' }] }),
  'no-apns-id': (reply) => write(reply, { fields: reply.draft.fields.filter(({ name }) => name !== 'apns-id') }),
  malformed: (reply, { how }) => malformed[how](reply),
  'push-promise': (reply) => {
    const block = Buffer.from([0x82, 0x84, 0x87]); // GET / over https, from the static table
    const frame = Buffer.alloc(13 + block.length);
    encodePushPromise(frame, 0, reply.stream.id, 2, block, 0, block.length, FrameFlag.endHeaders);
    reply.http2.writeRaw(frame);
    write(reply);
  },
  'oversized-data': ({ http2, stream }, { bytes }) => {
    const body = Buffer.alloc(bytes ?? 16_385, 'x');
    const frame = Buffer.alloc(9 + body.length);
    encodeData(frame, 0, stream.id, body, 0, body.length, true);
    http2.writeHeaders(stream.id, [{ name: ':status', value: '500' }], false);
    http2.writeRaw(frame);
  },
};

/** RFC 9113 §8.1.1 and §8.3.2: what makes a response malformed. */
const malformed: Readonly<Record<MalformedKind, (reply: SpoiledReply) => void>> = {
  'no-status': (reply) => write(reply, { fields: reply.draft.fields.filter(({ name }) => name !== ':status') }),
  'two-statuses': (reply) => write(reply, { fields: [{ name: ':status', value: '200' }, ...reply.draft.fields] }),
  'bad-status': (reply) => write(reply, { fields: [{ name: ':status', value: 'ok', indexing: 'without' }] }),
  'upper-case': (reply) => {
    // Hand-made: the encoder is not asked to write what it should refuse. Literal without indexing, name "Apns-Id".
    const block = Buffer.concat([Buffer.from([0x88, 0x00, 0x07]), Buffer.from('Apns-Id'), Buffer.from([0x01, 0x78])]);
    writeBlock(reply, block);
  },
  'pseudo-after-regular': (reply) => write(reply, { fields: [...reply.draft.fields].reverse() }),
  'unknown-pseudo': (reply) => add(reply, { name: ':weather', value: 'fine', indexing: 'without' }),
  'connection-field': (reply) => add(reply, { name: 'transfer-encoding', value: 'chunked', indexing: 'without' }),
  'content-length': (reply) => add(reply, { name: 'content-length', value: '17', indexing: 'without' }),
  'data-first': (reply) => {
    const frame = Buffer.alloc(9 + 2);
    encodeData(frame, 0, reply.stream.id, Buffer.from('{}'), 0, 2, true);
    reply.http2.writeRaw(frame);
  },
  'bad-hpack': (reply) => writeBlock(reply, Buffer.from([0x80])), // RFC 7541 §6.1: index 0
};

export function actOnReply(reply: SpoiledReply, action: ReplyAction): void {
  // The table has one row a kind: what is looked up fits what is passed.
  (behaviours[action.kind] as (reply: SpoiledReply, action: ReplyAction) => void)(reply, action);
}

function write({ http2, stream, draft }: SpoiledReply, changes: Partial<ReplyDraft> = {}): void {
  writeReply(http2, stream, { ...draft, ...changes });
}

/** Right after :status, or before the regular fields end: where it does harm. */
function add(reply: SpoiledReply, field: HeaderField): void {
  const [status, ...rest] = reply.draft.fields;
  write(reply, { fields: [status, field, ...rest] });
}

function writeBlock({ http2, stream }: SpoiledReply, block: Buffer): void {
  const frame = Buffer.alloc(9 + block.length);
  encodeHeaders(frame, 0, stream.id, block, 0, block.length, FrameFlag.endHeaders | FrameFlag.endStream);
  http2.writeRaw(frame);
}
