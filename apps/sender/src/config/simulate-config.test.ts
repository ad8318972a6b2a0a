import { describe, expect, it } from 'vitest';
import { UsageError } from '../command-line/usage-error.ts';
import { simulateConfig } from './simulate-config.ts';

describe('The configuration of simulate', () => {
  it('takes what the gateway can do as requests at once and milliseconds for each', () => {
    expect(simulateConfig({}).load).toBeNull();
    expect(simulateConfig({ load: '400/50' }).load).toEqual({ atOnce: 400, serviceMs: 50 });
    expect(simulateConfig({ load: '1/0' }).load).toEqual({ atOnce: 1, serviceMs: 0 });
  });

  it.each(['400', '0/50', '400/', '/50', '400/50/2', 'a/b', '-1/5', '1.5/5', '99999999/1'])(
    'refuses --load %s and says what would be right',
    (load) => {
      expect(() => simulateConfig({ load })).toThrow(UsageError);
      expect(() => simulateConfig({ load })).toThrow(/such as 400\/50/);
    },
  );
});
