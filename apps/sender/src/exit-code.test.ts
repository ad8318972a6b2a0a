import { describe, expect, it } from 'vitest';

import { exitCodeOf } from './exit-code.ts';
import type { SendEnd } from './exit-code.ts';

const well: SendEnd = {
  isInterrupted: false,
  jobs: 10,
  accepted: 10,
  skipped: 0,
  skippedAccepted: 0,
  answered: 10,
  unreachable: 0,
  credential: 0,
  connectionsOpened: 1,
  dialFailures: 0,
  hasFault: false,
};
const down = { ...well, accepted: 0, answered: 0, unreachable: 10, connectionsOpened: 0, dialFailures: 5 };

describe('The exit code', () => {
  it.each<[number, string, SendEnd]>([
    [0, 'every job was accepted', well],
    [0, 'there was nothing to send', { ...well, jobs: 0, accepted: 0, answered: 0 }],
    [0, 'the rest of an earlier run was accepted', { ...well, skipped: 5, skippedAccepted: 5 }],
    [1, 'one job was not', { ...well, accepted: 9 }],
    [1, 'the earlier run had one that was not', { ...well, skipped: 5, skippedAccepted: 4 }],
    [1, 'all lines were wrong', { ...well, accepted: 0, answered: 0, connectionsOpened: 0 }],
    [1, 'an input could not be read to its end', { ...well, hasFault: true }],
    [1, 'the gateway refused them all', { ...well, accepted: 0 }],
    [1, 'the gateway went away after it had accepted some', { ...well, accepted: 4, answered: 4, unreachable: 6 }],
    [1, 'the gateway went away after it had answered some', { ...well, accepted: 0, answered: 4, unreachable: 6 }],
    [3, 'the gateway could not be reached', down],
    [3, 'the gateway could not be reached, and some lines were wrong', { ...down, unreachable: 7 }],
    [3, 'the gateway could not be reached before the deadlines', { ...down, unreachable: 0 }],
    [3, 'the credential was refused', { ...well, accepted: 0, answered: 0, credential: 10 }],
    [3, 'the gateway could not be reached for the rest of an earlier run', { ...down, skipped: 5, skippedAccepted: 5 }],
    [130, 'it was interrupted', { ...well, isInterrupted: true }],
    [130, 'it was interrupted before anything was accepted', { ...down, isInterrupted: true }],
  ])('is %i when %s', (code, _, end) => {
    expect(exitCodeOf(end)).toBe(code);
  });
});
