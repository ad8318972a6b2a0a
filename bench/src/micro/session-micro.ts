/** A push and its reply through @carillon/session, and the slabs of @carillon/pool, without a socket. */
import { SettingId, encodeSettings, encodeSettingsAck, encodeWindowUpdate } from '@carillon/frames';
import { HeaderTemplate, Session } from '@carillon/session';
import { OpenOutbox, bodyAt, count, plan, pushes, replies, spanStride } from './fixtures.ts';
import type { Micro } from './micro.ts';

const none = (): void => {};

/** A session whose peer grants `count` streams and all the window there is. */
function openSession(onReply: (tag: number) => void): Session {
  const events = { onReply, onFailure: none, onSettings: none, onGoAway: none, onPong: none, onClosed: none };
  const session = new Session({ outbox: new OpenOutbox(), streamsMax: count }, events);
  const greeting = Buffer.alloc(64);
  const settings = [[SettingId.maxConcurrentStreams, count]] as const;
  session.start(0);
  let end = encodeSettingsAck(greeting, encodeSettings(greeting, 0, settings));
  end = encodeWindowUpdate(greeting, end, 0, 0x7fff_ffff - 65_535);
  session.receive(greeting.subarray(0, end), 0);
  return session;
}

const openAndReply: Micro = {
  name: 'session: open + reply',
  question: 'What does our share of a push cost, from open to onReply, socket and TLS left out?',
  calls: count,
  prepare() {
    const { bytes, spans, recordBytes } = pushes();
    let sum = 0;
    let session = openSession(() => {});
    let template = new HeaderTemplate(session.encoder, plan());
    let nextId = 1;
    let windowLeft = 0;
    const answers = replies(1, count);
    const bodyBytes = recordBytes - bodyAt;
    return () => {
      // A window of 2^31 octets holds 7.6 million bodies; then a new session begins.
      if (windowLeft < count * bodyBytes) {
        session = openSession((tag) => void (sum += tag));
        template = new HeaderTemplate(session.encoder, plan());
        windowLeft = 0x7fff_ffff;
        nextId = 1;
      }
      windowLeft -= count * bodyBytes;
      for (let number = 0; number < count; number++) {
        const start = number * recordBytes;
        session.open(template, bytes, spans, number * spanStride, start + bodyAt, start + recordBytes, number, 1);
        answers.writeUInt32BE(nextId, number * (answers.length / count) + 5);
        nextId += 2;
      }
      session.receive(answers, 2);
      if (session.openStreams !== 0) throw new Error('the replies did not match the streams');
      return sum;
    };
  },
};

export const sessionMicros: readonly Micro[] = [openAndReply];
