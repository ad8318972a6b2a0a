import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { showBar } from './progress.ts';

/** A terminal of 150 columns that keeps what is written. */
function fakeTerminal(): { readonly stream: NodeJS.WriteStream; text(): string } {
  let text = '';
  const stream = {
    isTTY: true,
    columns: 150,
    write: (piece: string) => {
      text += piece;
      return true;
    },
  };
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text }; // all of a stream that the bar uses
}

describe('The progress bar', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('shows how far it is, how fast it goes, and what is left', () => {
    const terminal = fakeTerminal();
    const state = { settled: 0, accepted: 0, underWay: 0, readBytes: 0, totalBytes: 1_000_000 };
    const progress = showBar(terminal.stream, () => state);
    for (let second = 1; second <= 5; second++) {
      state.settled = 1000 * second;
      state.accepted = 990 * second;
      state.readBytes = 100_000 * second;
      vi.advanceTimersByTime(1000);
    }
    expect(terminal.text()).toContain('50 % · 5,000 settled · 1,0');
    expect(terminal.text()).toContain('4,950 accepted · 50 other · 0 under way · 5 s left');
    progress.stop();
  });

  it('has neither bar nor end when the input has none, such as a pipe', () => {
    const terminal = fakeTerminal();
    const state = { settled: 7, accepted: 7, underWay: 3, readBytes: 1000, totalBytes: null };
    showBar(terminal.stream, () => state).stop();
    expect(terminal.text()).toContain('7 settled');
    expect(terminal.text()).not.toContain('%');
  });

  it('leaves the cursor visible, where it is, and lets lines of the log stand', () => {
    const terminal = fakeTerminal();
    const state = { settled: 1, accepted: 1, underWay: 0, readBytes: 10, totalBytes: 10 };
    showBar(terminal.stream, () => state).stop();
    expect(terminal.text().lastIndexOf('\u001b[?25h')).toBeGreaterThan(terminal.text().lastIndexOf('\u001b[?25l'));
    expect(terminal.text()).not.toContain('\u001b7');
    expect(terminal.text()).not.toContain('\u001b8');
  });
});
