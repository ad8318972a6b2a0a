// Other people's fuzzing corpora, fed to a session in every state (design.md §6, invariant 7).
import { describe, expect, it } from 'vitest';
import { clientPreface } from '@carillon/frames';
import { ScriptedPeer } from './scripted-peer.ts';
import { h2Corpus } from './vectors.ts';

describe('Session fed with the corpora', () => {
  it('never throws, ends each stream at most once, and always closes cleanly', () => {
    const corpus = h2Corpus();
    if (corpus === null) {
      console.log('h2-corpus: skipped, the folder of conformance vectors is absent');
      return;
    }
    for (const { id, bytes } of corpus) {
      // Most were caught on their way to a server: what follows the preface is frames all the same.
      const isClient = bytes.subarray(0, clientPreface.length).equals(clientPreface);
      const frames = isClient ? bytes.subarray(clientPreface.length) : bytes;
      for (const variant of ['raw', 'frames', 'busy'] as const) {
        const peer = variant === 'busy' ? ScriptedPeer.connected() : new ScriptedPeer();
        peer.openMany(3);
        for (let at = 0; at < frames.length; at += 1_000) {
          peer.send((variant === 'raw' ? bytes : frames).subarray(at, at + 1_000));
          peer.takeFrames();
        }
        peer.session.transportClosed(peer.now, 'end of the stream');
        const told = peer.takeTold();
        const ended = told.flatMap((each) => (each.event === 'reply' || each.event === 'failure' ? [each.tag] : []));
        expect([id, ended.sort((a, b) => a - b)]).toEqual([id, variant === 'busy' ? [101, 102, 103] : []]);
        expect(told.filter(({ event }) => event === 'closed')).toHaveLength(1);
        expect(JSON.stringify(told)).not.toContain('bug:');
      }
    }
    console.log(`h2-corpus: ${corpus.length} streams, each in 3 states`);
    expect(corpus).toHaveLength(724);
  });
});
