import { describe, expect, it } from 'vitest';
import { RetryBudget } from './retry-budget.ts';

function takenBy(budget: RetryBudget, now: number): number {
  let count = 0;
  while (budget.tryTake(now)) count++;
  return count;
}

describe('RetryBudget', () => {
  it('lets the pushes of one lost connection out at once', () => {
    expect(takenBy(new RetryBudget(0), 0)).toBe(1000);
  });

  it('then gives ten a second at least', () => {
    const budget = new RetryBudget(0);
    takenBy(budget, 0);
    expect(takenBy(budget, 1000)).toBe(10);
    expect(takenBy(budget, 3000)).toBe(20);
  });

  it('gives a tenth of what is admitted', () => {
    const budget = new RetryBudget(0);
    takenBy(budget, 0);
    budget.admitted(2500);
    expect(takenBy(budget, 0)).toBe(250);
  });

  it('saves up no more than one burst', () => {
    const budget = new RetryBudget(0);
    budget.admitted(10_000_000);
    expect(takenBy(budget, 10_000_000)).toBe(1000);
  });
});
