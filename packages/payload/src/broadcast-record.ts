// What a broadcast's record has that a push's has not: a channel where the device token would be, and Apple's rules for
// what may be broadcast. Cold beside the other records: a broadcast reaches millions, so there are few of them.

import {
  broadcastExpirationDefault,
  checkBroadcastTopic,
  checkBroadcastType,
  isFault,
  parseChannelId,
  parseTopic,
  pushTypes,
} from '@carillon/apns';
import type { HeadSpans, HeadTable } from './head-table.ts';
import { Field } from './job-fields.ts';
import { fieldFault, jobFault, type JobFault } from './rejection.ts';
import type { JobSpans } from './scan-job.ts';

/** The type of a broadcast that names none: the only one Apple's page knows. */
export const broadcastType: number = Object.keys(pushTypes).indexOf('liveactivity');

/** Null when the job is addressed to one channel and asks for nothing that broadcasts do not have. */
export function checkBroadcast(job: JobSpans): JobFault | null {
  if (job.has(Field.token)) {
    return jobFault(
      'local.token-and-channel',
      'channel',
      'the job has a token and a channel; one of them says where it goes',
    );
  }
  if (job.has(Field.collapseId)) {
    return jobFault(
      'local.bad-collapse-id',
      'collapseId',
      'collapseId: broadcasts to a channel have none; leave it out',
    );
  }
  return null;
}

/** Null when Apple broadcasts such a push. Asked once for a head. */
export function checkBroadcastHead(spans: HeadSpans, heads: HeadTable): JobFault | null {
  const type = checkBroadcastType(heads.pushType(spans.type));
  if (type !== null) return fieldFault(type);
  if (spans.topicStart < 0) return null;
  const topic = parseTopic(spans.bytes.toString('utf8', spans.topicStart, spans.topicEnd));
  const fault = isFault(topic) ? topic : checkBroadcastTopic(topic);
  return fault === null ? null : fieldFault(fault);
}

/** Puts the channel at `at`; returns the position after it. The caller has made room for a device token. */
export function writeChannel(bytes: Buffer, job: JobSpans, arena: Buffer, at: number): number | JobFault {
  const channel = parseChannelId(bytes.toString('utf8', job.starts[Field.channel], job.ends[Field.channel]));
  return isFault(channel) ? fieldFault(channel) : at + arena.write(channel, at, 'latin1');
}

export function writeDefaultExpiration(arena: Buffer, at: number): number {
  return at + arena.write(broadcastExpirationDefault, at, 'latin1');
}
