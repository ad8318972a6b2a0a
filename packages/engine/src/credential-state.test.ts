import { describe, expect, it } from 'vitest';
import { CredentialWatch } from './credential-state.ts';

describe('CredentialWatch', () => {
  it('doubts after one refusal, and parks after one on a connection opened since', () => {
    const watch = new CredentialWatch();
    expect(watch.reason).toBe('');
    expect(watch.refused('InvalidProviderToken', 10, 20)).toBe(false);
    expect(watch.state).toEqual({ kind: 'doubted', reason: 'InvalidProviderToken', since: 20 });
    expect(watch.refused('InvalidProviderToken', 25, 30)).toBe(true);
    expect(watch.isParked(1e12)).toBe(true);
    expect(watch.refused('InvalidProviderToken', 35, 40)).toBe(false);
  });

  // Four connections with the same expired token were four refusals; the second one parked the credential although no
  // new connection had been tried.
  it('does not count the other connections that were open when the first was refused', () => {
    const watch = new CredentialWatch();
    for (const openedAt of [1, 2, 3, 4]) expect(watch.refused('ExpiredProviderToken', openedAt, 20)).toBe(false);
    expect(watch.isParked(20)).toBe(false);
    watch.accepted();
    expect(watch.state.kind).toBe('trusted');
  });

  it('trusts again after an answer that proves the credential', () => {
    const watch = new CredentialWatch();
    watch.refused('ExpiredProviderToken', 0, 1);
    watch.accepted();
    expect(watch.refused('ExpiredProviderToken', 2, 3)).toBe(false);
    expect(watch.isParked(4)).toBe(false);
  });

  it('is held for the time asked, and only doubted after it', () => {
    const watch = new CredentialWatch();
    expect(watch.hold('TooManyProviderTokenUpdates', 1000)).toBe(true);
    expect(watch.hold('TooManyProviderTokenUpdates', 1200)).toBe(false);
    expect(watch.hold('TooManyProviderTokenUpdates', 1100)).toBe(false);
    expect(watch.isParked(1199)).toBe(true);
    expect(watch.isParked(1200)).toBe(false);
    expect(watch.state.kind).toBe('doubted');
  });

  it('is not set free by a shorter hold once only another credential helps', () => {
    const watch = new CredentialWatch();
    watch.refused('InvalidProviderToken', 0, 1);
    watch.refused('InvalidProviderToken', 2, 3);
    watch.hold('TooManyProviderTokenUpdates', 10);
    expect(watch.isParked(1e12)).toBe(true);
  });
});
