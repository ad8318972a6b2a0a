import { describe, expect, it } from 'vitest';
import { EngineConfigError } from './errors.ts';
import { defaultLimits } from './limits.ts';
import { settingsOf } from './options.ts';
import type { EngineOptions } from './options.ts';

const apps = {
  news: { topic: 'com.example.app', credential: { kind: 'token', key: '', keyId: '', teamId: '' } },
} as const;

describe('settingsOf', () => {
  it('fills in every default', () => {
    expect(settingsOf({ apps })).toEqual({
      connectionsMax: 4,
      ratePerSecond: Infinity,
      perDevicePerSecond: Infinity,
      giveUpAfterMs: 30_000,
      onCredentialFault: 'park',
      deadlineMs: 3_600_000,
      requestTimeoutMs: 20_000,
      onAmbiguous: 'resend',
      serverErrorDelayMs: 900_000,
      attemptsMax: 8,
      resendsMax: 20,
      prepare: 'inline',
      defaultPushType: null,
      workersMax: null,
      limits: defaultLimits,
    });
  });

  it('takes undefined for not given', () => {
    const given = { apps, connectionsMax: undefined, limits: { jobsMax: undefined, batchBytes: 10 } };
    const settings = settingsOf(given as unknown as EngineOptions); // as a caller in JavaScript does it
    expect(settings.connectionsMax).toBe(4);
    expect(settings.limits).toEqual({ ...defaultLimits, batchBytes: 10 });
  });

  it.each([
    ['connectionsMax', 0],
    ['connectionsMax', 1.5],
    ['connectionsMax', 1001],
    ['connectionsMax', '4'],
    ['attemptsMax', 0],
    ['workersMax', 0],
    ['workersMax', 65],
    ['prepare', 'quickly'],
    ['giveUpAfterMs', 0],
    ['giveUpAfterMs', NaN],
    ['deadlineMs', -1],
    ['requestTimeoutMs', 'soon'],
    ['ratePerSecond', 0],
    ['perDevicePerSecond', 0],
    ['perDevicePerSecond', -1],
    ['serverErrorDelayMs', NaN],
    ['serverErrorDelayMs', -1],
    ['onCredentialFault', 'ignore'],
    ['onAmbiguous', 'drop'],
  ])('refuses %s %j by its name', (field, value) => {
    expect(() => settingsOf({ apps, [field]: value })).toThrow(
      expect.objectContaining({ code: 'ERR_ENGINE_CONFIG', field }),
    );
  });

  it.each([
    'jobsMax',
    'jobBytesMax',
    'receiptsMax',
    'batchBytes',
    'preparingMax',
    'preparingBytesMax',
    'restingDevicesMax',
    'deadDevicesMax',
    'pacedDevicesMax',
    'headsMax',
  ])('refuses limits.%s 0', (name) => {
    expect(() => settingsOf({ apps, limits: { [name]: 0 } })).toThrow(EngineConfigError);
    expect(() => settingsOf({ apps, limits: { [name]: 0 } })).toThrow(`limits.${name} is 0`);
  });
});
