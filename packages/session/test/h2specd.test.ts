// h2spec's cases for clients: what its server sends, and what a client must answer. One request is open.
import { describe, expect, it } from 'vitest';
import { ErrorCode, ScriptedPeer } from './scripted-peer.ts';
import type { WrittenFrame } from './scripted-peer.ts';
import { h2specdStreams } from './vectors.ts';
import type { ServerStream } from './vectors.ts';

const codes: Record<string, number> = {
  Protocol: ErrorCode.protocolError,
  FrameSize: ErrorCode.frameSizeError,
  FlowControl: ErrorCode.flowControlError,
  StreamClosed: ErrorCode.streamClosed,
};

/** Two streams come without `verify`; their requirement says it in words. */
const spelledOut: Record<string, ServerStream['verify']> = {
  'h2specd/6.1/2': [{ kind: 'VerifyConnectionError', codes: ['StreamClosed'] }],
  'h2specd/6.9.1/2': [{ kind: 'VerifyStreamError', codes: ['FlowControl'] }],
};

/** What the session wrote after the server's bytes, with a request open as soon as there can be one. */
function reactionTo(bytes: Buffer): { frames: WrittenFrame[]; state: string } {
  const peer = new ScriptedPeer();
  const first = 9 + bytes.readUIntBE(0, 3);
  peer.send(bytes.subarray(0, first));
  if (peer.session.slots(10) > 0) peer.open();
  peer.send(bytes.subarray(first));
  return { frames: peer.takeFrames(), state: peer.session.state };
}

function isMet(
  { kind, codes: names }: ServerStream['verify'][number],
  frames: readonly WrittenFrame[],
  state: string,
): boolean {
  // A name that is not in the list stands for "any of them".
  const isCode = (code: number): boolean => names.every((name) => codes[name] === undefined || codes[name] === code);
  switch (kind) {
    case 'VerifyConnectionError':
      return state === 'closed' && frames.some((frame) => frame.type === 'goaway' && isCode(frame.code));
    case 'VerifyStreamError':
      // RFC 9113 §5.4.2: any stream error may be taken for a connection error.
      return frames.some((frame) => (frame.type === 'rst-stream' || frame.type === 'goaway') && isCode(frame.code));
    case 'VerifyConnectionClose':
      return state === 'closed';
    case 'VerifyPingFrameWithAck':
    case 'VerifyEventType':
      return frames.some((frame) => frame.type === 'ping' && frame.isAck);
    case 'VerifySettingsFrameWithAck':
      return frames.some(({ type }) => type === 'settings-ack');
    default:
      throw new Error(`nobody knows how to verify ${kind}`);
  }
}

describe('Session against h2spec', () => {
  it('reacts to every hostile server as the standard asks', () => {
    const streams = h2specdStreams();
    if (streams === null) {
      console.log('h2specd-streams: skipped, the folder of conformance vectors is absent');
      return;
    }
    const missed: unknown[] = [];
    let checked = 0;
    for (const { id, requirement, verify, bytes } of streams) {
      const expected = spelledOut[id] ?? verify;
      const { frames, state } = reactionTo(bytes);
      if (expected.length > 0) checked += 1;
      if (!expected.every((each) => isMet(each, frames, state)))
        missed.push({ id, requirement, expected, frames, state });
    }
    console.log(`h2specd-streams: ${checked} of ${streams.length} reactions checked`);
    expect(missed).toEqual([]);
    expect([checked, streams.length]).toEqual([31, 31]);
  });
});
