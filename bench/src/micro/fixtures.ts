/** Inputs that the micro-benches share: a gateway's replies, a push's parts, an outbox that is emptied by its owner. */
import { headerPlan, isFault, openProviderTokenSource, parsePushType, parseTopic } from '@carillon/apns';
import type { ApnsFault, HeaderPlanField, ProviderTokenSource } from '@carillon/apns';
import { FrameFlag, HpackEncoder, encodeHeaders } from '@carillon/frames';
import type { Outbox } from '@carillon/session';
import { generateKeyPairSync } from 'node:crypto';
import { deviceTokens, payloadText } from '../load/traffic.ts';

const apnsId = '8f14e45f-ceea-467a-9575-6f0c1b2d3e4f';

/** A thousand: what one connection has in flight, and few enough to stay in the caches, as in life. */
export const count = 1000;

/** Records of | device token, 64 | apns-id, 36 | payload, 282 |; the spans of slots 0 to 3 of each are 8 numbers. */
export interface Pushes {
  readonly bytes: Buffer;
  readonly spans: Int32Array;
  readonly recordBytes: number;
}

export const spanStride = 8;
export const bodyAt = 100;

export function pushes(): Pushes {
  const recordBytes = bodyAt + payloadText(0).length;
  const bytes = Buffer.alloc(count * recordBytes);
  const spans = new Int32Array(count * spanStride).fill(-1);
  for (const [number, token] of deviceTokens().slice(0, count).entries()) {
    const start = number * recordBytes;
    bytes.write(`${token}${apnsId}${payloadText(number)}`, start, 'latin1');
    spans.set([start, start + 64, start + 64, start + bodyAt], number * spanStride);
  }
  return { bytes, spans, recordBytes };
}

export function plan(topicName = 'com.example.news'): readonly HeaderPlanField[] {
  const pushType = good(parsePushType('alert'));
  const topic = good(parseTopic(topicName));
  const providerToken = tokenSource().tokenAt(Date.UTC(2026, 10, 1));
  return headerPlan({
    authority: 'api.push.apple.com',
    providerToken,
    topic,
    pushType,
    priority: 10,
    isTopicIndexed: true,
  });
}

export function tokenSource(): ProviderTokenSource {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return good(openProviderTokenSource({ key, keyId: 'KEY1234567', teamId: 'TEAM123456' }));
}

/** The field block of a 200 as APNs sends it. */
export function replyBlock(huffman: 'never' | 'shorter'): Buffer {
  const block = Buffer.alloc(256);
  const fields = [
    { name: ':status', value: '200' },
    { name: 'apns-id', value: apnsId.toUpperCase(), indexing: 'without' },
  ] as const;
  return block.subarray(0, new HpackEncoder({ huffman }).encode(fields, block, 0));
}

/** HEADERS with END_STREAM for the odd stream ids from `firstId`, one after the other. */
export function replies(firstId: number, many: number): Buffer {
  const block = replyBlock('never');
  const bytes = Buffer.alloc(many * (9 + block.length));
  let at = 0;
  for (let number = 0; number < many; number++) {
    at = encodeHeaders(
      bytes,
      at,
      firstId + 2 * number,
      block,
      0,
      block.length,
      FrameFlag.endHeaders | FrameFlag.endStream,
    );
  }
  return bytes.subarray(0, at);
}

/** An outbox whose owner takes everything at once. */
export class OpenOutbox implements Outbox {
  bytes: Buffer = Buffer.alloc(1 << 20);
  length = 0;

  reserve(size: number): void {
    if (this.length + size > this.bytes.length) this.length = 0;
  }
}

function good<T extends object | string>(parsed: T | ApnsFault): T {
  if (isFault(parsed)) throw new Error(parsed.message);
  return parsed; // not a fault, as was just asked
}
