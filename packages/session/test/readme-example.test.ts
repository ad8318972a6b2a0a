// The example of README.md, as it stands there.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HeaderTemplate, encodeSettings, encodeSettingsAck } from '@carillon/frames';
import { Session } from '@carillon/session';
import { GrowingOutbox } from './scripted-peer.ts';

describe('the example of the README', () => {
  it('opens a stream and says so', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const example = /```js\n(?<code>.*?)```/s.exec(readme)?.groups?.['code'] ?? '';
    expect(example.split('\n').length).toBeGreaterThan(10);
    const outbox = new GrowingOutbox();
    const greeting = Buffer.alloc(100);
    const greetingEnd = encodeSettingsAck(greeting, encodeSettings(greeting, 0, [[3, 1_000]]));
    const lines: string[] = [];
    // oxlint-disable-next-line no-implied-eval -- our own README, run as a reader would.
    const run = new Function('Session', 'HeaderTemplate', 'outbox', 'chunkFromGateway', 'print', example);
    run(Session, HeaderTemplate, outbox, greeting.subarray(0, greetingEnd), (...words: unknown[]) =>
      lines.push(words.join(' ')),
    );
    expect(lines).toEqual(['stream 1 is open, 999 more may be', 'push 7 ended: cancelled']);
  });
});
