import { describe, expect, it } from 'vitest';

import { Referee } from '../referee/referee.ts';
import type { RefereeReport } from '../referee/report.ts';
import { renderTimeline } from './draw-timeline.ts';

const startMs = Date.UTC(2026, 10, 30, 3, 0, 0);
const token = 'c0ffee'.repeat(11).slice(0, 64);

/** Throws where the text is not XML whose elements are closed: a picture that is not well-formed is not shown at all. */
function checkXml(text: string): void {
  const piece = /<\/?([a-z]+)(?: [a-z][a-zA-Z-]*="[^"<]*")*(\/?)>|(?:[^<>&]|&(?:amp|lt|gt|quot);)+/y;
  const open: string[] = [];
  while (piece.lastIndex < text.length) {
    const at = piece.lastIndex;
    const found = piece.exec(text);
    if (found === null) throw new Error(`not XML: ${text.slice(at, at + 80)}`);
    const [whole, name, selfClosing] = found;
    if (name === undefined || selfClosing === '/') continue;
    if (!whole.startsWith('</')) open.push(name);
    else if (open.pop() !== name) throw new Error(`${whole} closes nothing`);
  }
  if (open.length > 0) throw new Error(`not closed: ${open.join(', ')}`);
}

/** Well-formed, and without a coordinate that is no number. */
function drawn(report: RefereeReport): string {
  const svg = renderTimeline(report);
  checkXml(svg);
  expect(svg).not.toMatch(/NaN|Infinity|undefined|null/);
  return svg;
}

describe('The picture of a timeline', () => {
  it('says so when nobody came', () => {
    const svg = drawn(new Referee({}, startMs).report(startMs + 60_000));
    expect(svg).toContain('No client has connected.');
    expect(svg).toContain('Referee: CLEAN');
  });

  it('shows a connection that sent nothing, in one step', () => {
    const referee = new Referee({}, startMs);
    referee.connectionOpened(1, '192.0.2.1', startMs);
    const report = referee.report(startMs);
    expect(report.timeline.buckets).toBe(1);
    const svg = drawn(report);
    expect(svg).not.toContain('nothing more until');
    expect(drawn(referee.report(startMs + 60_000))).toContain('report at 03:01:00');
    expect(svg).toContain('none: every rule was kept');
    expect(svg).toContain('0 pushes on 1 connection');
  });

  it('puts thousands of violations into as many marks as there are steps at most', () => {
    const referee = new Referee({}, startMs);
    const connection = referee.connectionOpened(1, '192.0.2.1', startMs);
    for (let at = 0; at < 20_000; at += 1) connection.unclean('a frame: PRIORITY', startMs + at * 10);
    const report = referee.report(startMs + 200_000);
    const svg = drawn(report);
    expect(svg).toContain('CONVICTED');
    expect(svg).toContain('frames-clean');
    expect(svg).toContain('20,000 ×, 03:00:00');
    expect(Buffer.byteLength(svg)).toBeLessThan(20_000);
  });

  it('names the faults that were played and how often, and lets no name out of its text', () => {
    const referee = new Referee({}, startMs);
    referee.connectionOpened(1, '192.0.2.1', startMs);
    for (const id of ['<script>"&\'', 'a\u0000b\u001b\ud800', 'x'.repeat(200)]) referee.faultFired(id, startMs);
    const svg = drawn(referee.report(startMs));
    expect(svg).not.toContain('<script');
    expect(svg).toContain('&lt;script&gt;&quot;&amp;');
    expect(svg).toContain('>ab<');
    expect(svg).toContain(`${'x'.repeat(23)}…`);
  });

  it('shows many connections, and counts those that had no room', () => {
    const referee = new Referee({}, startMs);
    for (let ordinal = 1; ordinal <= 100; ordinal += 1) {
      const connection = referee.connectionOpened(ordinal, `192.0.2.${ordinal}`, startMs + ordinal * 1_000);
      connection.secured(false);
      connection.settingsSent(1_000, startMs + ordinal * 1_000);
      connection.settingsAcknowledged(startMs + ordinal * 1_000);
      for (let stream = 1; stream < 1_000; stream += 2) connection.streamOpened(stream, startMs + ordinal * 1_000);
      if (ordinal % 3 === 0) connection.goAwaySent(99, startMs + ordinal * 1_000 + 500);
      connection.closed(startMs + ordinal * 1_000 + 5_000);
    }
    const svg = drawn(referee.report(startMs + 110_000));
    expect(svg).toContain('and 52 more, which carried less');
    expect(svg).toContain('unanswered 50,000');
    // 1,200 × 800 or so, however many there are.
    expect(Number(/height="([\d.]+)"/.exec(svg)?.[1])).toBeLessThan(1_000);
    expect(Buffer.byteLength(svg)).toBeLessThan(100_000);
  });

  it('shows no whole device token', () => {
    const referee = new Referee({}, startMs);
    const connection = referee.connectionOpened(1, '192.0.2.1', startMs);
    connection.secured(false);
    let now = startMs;
    for (const stream of [1, 3, 5]) {
      const fields = [{ name: 'apns-topic', value: 'com.example.app' }];
      connection.streamOpened(stream, now);
      connection.request(
        stream,
        { method: 'POST', path: `/3/device/${token}`, fields, bodyBytes: 2 },
        Buffer.from('{}'),
        now,
      );
      connection.replied(stream, { status: 410, reason: 'Unregistered', retryAfter: null }, now);
      now += 1_000;
      if (connection.takeMark(now)) connection.markAcknowledged(now);
    }
    const report = referee.report(now);
    expect(report.rules.find(({ id }) => id === 'dead-tokens-stay-dead')?.violations).toBeGreaterThan(0);
    expect(JSON.stringify(report)).not.toContain(token);
    expect(drawn(report)).not.toContain(token);
  });
});
