/** Reply: what the wire brought becomes the facts that Apple's rules judge. The path of a 200 allocates its outcome only. */
import { judge, parseReplyBody } from '@carillon/apns';
import type { ApnsId, Verdict } from '@carillon/apns';
import type { Reply } from '@carillon/pool';
import type { Outcome } from './outcome.ts';
import type { Pipeline } from './pipeline.ts';
import type { Push } from './push.ts';

const uuidChars = 36;
const uuidDashes = [8, 13, 18, 23] as const;
const dash = 0x2d;

export function acceptedOutcome(reply: Reply, push: Push): Outcome {
  const given = reply.header(push.head.isBroadcast ? 'apns-request-id' : 'apns-id');
  // We always send an id, so APNs echoes ours; a gateway that names none, or something that is no UUID, changes nothing.
  const apnsId = given !== null && hasShapeOfUuid(given) ? (given as ApnsId) : push.arena.apnsId(push.at);
  const uniqueId = reply.header('apns-unique-id');
  return uniqueId === null ? { kind: 'accepted', apnsId } : { kind: 'accepted', apnsId, uniqueId };
}

export function judgeReply(reply: Reply, push: Push, pipeline: Pipeline): Verdict {
  const { reason, timestampMs } = parseReplyBody(reply.body, 0, reply.bodyLength);
  const facts = { status: reply.status, reason, timestampMs, retryAfter: reply.header('retry-after') };
  return judge(facts, {
    nowMs: pipeline.clock.epochMs(),
    attempt: push.attempts,
    isBroadcast: push.head.isBroadcast,
    serverErrorDelayMs: pipeline.settings.serverErrorDelayMs,
  });
}

/** Its length and its dashes: a full check would cost more than making the string did. */
function hasShapeOfUuid(text: string): boolean {
  if (text.length !== uuidChars) return false;
  for (const at of uuidDashes) if (text.charCodeAt(at) !== dash) return false;
  return true;
}
