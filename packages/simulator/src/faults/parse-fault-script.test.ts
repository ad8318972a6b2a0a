import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { loadFaultScript, parseFaultScript } from './parse-fault-script.ts';

const goAway = { when: { on: 'reply', nth: 50 }, action: { kind: 'goaway', lastStreamId: 'two-step' } };

describe('parseFaultScript', () => {
  it('takes a script as it is', () => {
    const script = {
      faults: [
        { id: 'drain', ...goAway },
        { when: { on: 'accept' }, action: { kind: 'handshake-hang' } },
      ],
    };
    expect(parseFaultScript(script)).toEqual(script);
  });

  it.each<[json: unknown, message: RegExp]>([
    [null, /expected an object/],
    [{}, /faults: expected a list/],
    [{ faults: [], seed: 1 }, /seed is unknown; known: faults/],
    [{ faults: [{ ...goAway, id: 7 }] }, /faults\[0\]\.id: expected text/],
    [{ faults: [{ when: {}, action: goAway.action }] }, /faults\[0\]\.when\.on is missing/],
    [{ faults: [{ when: { on: 'never' }, action: goAway.action }] }, /"never" is none of accept, start/],
    [{ faults: [{ when: goAway.when, action: { kind: 'explode' } }] }, /"explode" is none of handshake-hang/],
    [
      { faults: [{ when: goAway.when, action: { kind: 'goaway', lastStreamId: 'some' } }] },
      /expected a stream id or one of exact/,
    ],
    [{ faults: [{ when: goAway.when, action: { kind: 'goaway', why: 'x' } }] }, /action\.why is unknown/],
    [{ faults: [{ when: { on: 'reply', nth: -1 }, action: goAway.action }] }, /nth: expected a whole number/],
    [{ faults: [{ when: { on: 'request' }, action: { kind: 'delay' } }] }, /action\.delayMs is missing/],
    [{ faults: [{ when: { on: 'reply' }, action: { kind: 'no-answer' } }] }, /no-answer happens to a request/],
    [
      { faults: [{ when: { on: 'start' }, action: { kind: 'tls-alert', description: 42 } }] },
      /does not go with "on": "start"/,
    ],
    [{ faults: [{ when: { on: 'accept' }, action: { kind: 'silence' } }] }, /does not go with "on": "accept"/],
    [
      { faults: [{ when: { on: 'start' }, action: { kind: 'settings', steps: [{ streams: 1 }] } }] },
      /steps\[0\]\.streams is unknown/,
    ],
  ])('refuses %j and says where', (json, message) => {
    expect(() => parseFaultScript(json)).toThrow(message);
  });
});

describe('loadFaultScript', () => {
  it('reads a file, and names it when it is not JSON or not there', () => {
    const directory = mkdtempSync(join(tmpdir(), 'carillon-faults-'));
    try {
      const file = join(directory, 'faults.json');
      writeFileSync(file, JSON.stringify({ faults: [goAway] }));
      expect(loadFaultScript(file).faults).toHaveLength(1);
      writeFileSync(file, '{ "faults": [');
      expect(() => loadFaultScript(file)).toThrow(/faults\.json: .*JSON/);
      expect(() => loadFaultScript(join(directory, 'absent.json'))).toThrow(/absent\.json: ENOENT/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
