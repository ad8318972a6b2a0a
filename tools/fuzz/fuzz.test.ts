// Short hunts with fixed seeds in every target, so that the fuzzing itself never rots; long ones are run by hand:
// `npm run fuzz`, docs/FUZZING.md. And how a case that fails is found, shrunk and replayed.
import { afterAll, describe, expect, it } from 'vitest';
import type { FuzzInput } from './fuzz-input.ts';
import { require } from './fuzz-target.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { hunt, judge } from './hunt.ts';
import type { Random } from './random.ts';
import { targetNames, targets } from './targets.ts';

const seed = 20_261_124;
/** One or two seconds each. */
const casesOf = { frames: 80_000, hpack: 3_000, session: 3_000, ndjson: 25_000 } as const;

describe('fuzzing with a fixed seed', () => {
  const opened: FuzzTarget[] = [];
  afterAll(() => opened.forEach((target) => target.close()));

  it.each(targetNames)('finds nothing in %s', async (name) => {
    const target = targets[name]();
    opened.push(target);
    const { tally, caught } = await hunt(target, { seed, firstCase: 0, casesMax: casesOf[name] });
    console.log(
      `fuzz ${name}: ${tally.executions} executions in ${tally.cases} cases, seed ${seed}; ${target.reached()}`,
    );
    if (caught !== null) {
      const again = `npm run fuzz -- ${name} --seed ${seed} --case ${caught.caseNumber ?? 'unknown'}`;
      expect.fail(`${caught.message}\ninput: ${caught.shrunk.toString('hex')}\nagain: ${again}`);
    }
    expect(tally.cases).toBe(casesOf[name]);
  });
});

describe('a hunt', () => {
  /** Fails on two octets 0xbd with any number of others between. */
  class FailingTarget implements FuzzTarget {
    generate(random: Random, input: FuzzInput): void {
      input.begin(random.next());
      input.putRandom(random, 50);
    }

    run(bytes: Buffer, end: number): number {
      const found = bytes.subarray(4, end).filter((octet) => octet === 0xbd).length;
      require(found < 2, 'two of them');
      return 1;
    }

    close(): void {
      // Nothing was started.
    }

    reached(): string {
      return '';
    }
  }

  it('ends at the first case that fails, and shrinks it', async () => {
    const target = new FailingTarget();
    const { tally, caught } = await hunt(target, { seed: 1, firstCase: 0, casesMax: 100_000 });
    expect(caught?.message).toContain('two of them');
    expect(caught?.caseNumber).toBe(tally.cases);
    expect(caught?.shrunk.subarray(4).toString('hex')).toBe('bdbd');
    expect(await judge(target, caught?.shrunk ?? Buffer.alloc(0))).toContain('two of them');
  });

  it('replays one case from its number alone', async () => {
    const whole = await hunt(new FailingTarget(), { seed: 1, firstCase: 0, casesMax: 100_000 });
    const number = whole.caught?.caseNumber ?? -1;
    const alone = await hunt(new FailingTarget(), { seed: 1, firstCase: number, casesMax: 1 });
    expect(alone.caught?.bytes.toString('hex')).toBe(whole.caught?.bytes.toString('hex'));
  });
});
