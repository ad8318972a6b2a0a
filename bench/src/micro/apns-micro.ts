/** Apple's rules in @carillon/apns, as each push or each refusal meets them. */
import { ApnsIdGenerator, judge, parseDeviceToken, parseReplyBody } from '@carillon/apns';
import { deviceTokens } from '../load/traffic.ts';
import { count, tokenSource } from './fixtures.ts';
import type { Micro } from './micro.ts';

const quantumMs = 30 * 60_000;

const checkToken: Micro = {
  name: 'apns: check device token',
  question: 'What does it cost that a token in its common form is looked at?',
  calls: count,
  prepare() {
    const tokens = deviceTokens().slice(0, count);
    return () => {
      let good = 0;
      for (const token of tokens) if (typeof parseDeviceToken(token) === 'string') good++;
      return good;
    };
  },
};

const makeApnsId: Micro = {
  name: 'apns: make apns-id',
  question: 'Is an id for every push cheap enough to be given always?',
  calls: count,
  prepare() {
    const ids = new ApnsIdGenerator();
    const target = Buffer.alloc(36);
    return () => {
      let sum = 0;
      for (let number = 0; number < count; number++) sum += ids.write(target, 0) + target[0];
      return sum;
    };
  },
};

const judgeReply: Micro = {
  name: 'apns: judge a refusal',
  question: 'What does a campaign full of dead tokens cost the judge?',
  calls: count,
  prepare() {
    const facts = { status: 410, reason: 'Unregistered', timestampMs: 1_700_000_000_000, retryAfter: null };
    const context = { nowMs: 1_790_000_000_000, attempt: 1, serverErrorDelayMs: 900_000 };
    return () => {
      let sum = 0;
      for (let number = 0; number < count; number++) sum += judge(facts, context).kind.length;
      return sum;
    };
  },
};

const readBody: Micro = {
  name: 'apns: read reply body',
  question: 'What does the body of a refusal cost, read with every precaution?',
  calls: count,
  prepare() {
    const body = Buffer.from('{"reason":"Unregistered","timestamp":1700000000000}');
    return () => {
      let sum = 0;
      for (let number = 0; number < count; number++) sum += parseReplyBody(body, 0, body.length).timestampMs ?? 0;
      return sum;
    };
  },
};

const signToken: Micro = {
  name: 'apns: sign provider token',
  question: 'How long does the sending thread stand still, once in half an hour, for a new token?',
  calls: 1,
  prepare() {
    const source = tokenSource();
    let nowMs = 0;
    return () => source.tokenAt((nowMs += quantumMs)).token.length;
  },
};

export const apnsMicros: readonly Micro[] = [checkToken, makeApnsId, judgeReply, readBody, signToken];
