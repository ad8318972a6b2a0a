import { describe, expect, it } from 'vitest';
import { Admission } from './admission.ts';

function ignore(): void {
  // Nobody listens.
}

describe('Admission', () => {
  it('is full by jobs or by bytes', () => {
    const admission = new Admission(10, 1000, ignore);
    admission.enter(9);
    expect(admission.isFull).toBe(false);
    admission.enter(1);
    expect(admission.isFull).toBe(true);
    admission.leave();
    expect(admission.isFull).toBe(false);
    admission.hold(1000);
    expect(admission.isFull).toBe(true);
    admission.letGo(1000);
    expect(admission).toMatchObject({ jobs: 9, bytes: 0, admitted: 10, isFull: false });
  });

  it('tells when a first job comes in, and each time after it was empty', () => {
    let firsts = 0;
    const admission = new Admission(10, 1000, () => firsts++);
    admission.enter(0);
    expect(firsts).toBe(0);
    admission.enter(2);
    admission.enter(1);
    expect(firsts).toBe(1);
    for (let left = 3; left > 0; left--) admission.leave();
    admission.enter(1);
    expect(firsts).toBe(2);
  });

  it('wakes those who wait when it is half empty, not at each job that leaves', async () => {
    const admission = new Admission(10, 1000, ignore);
    admission.enter(10);
    let woken = 0;
    const waiting = [admission.room(), admission.room()].map((room) => room.then(() => woken++));
    for (let left = 10; left > 6; left--) admission.leave();
    await Promise.resolve();
    expect(woken).toBe(0);
    admission.leave();
    await Promise.all(waiting);
    expect(woken).toBe(2);
  });

  it('wakes one whose signal aborts, and one whose signal was aborted before', async () => {
    const admission = new Admission(1, 1, ignore);
    admission.enter(1);
    const controller = new AbortController();
    const room = admission.room(controller.signal);
    controller.abort();
    await room;
    await admission.room(controller.signal);
    expect(admission.isFull).toBe(true);
  });

  it('leaves no listener behind on a signal that lives on', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));
    const admission = new Admission(1, 1, ignore);
    for (let round = 0; round < 20; round++) {
      admission.enter(1);
      const room = admission.room(signal);
      admission.leave();
      await room;
    }
    expect(listeners).toBe(0);
  });

  it('takes back a job that was none', () => {
    const admission = new Admission(10, 1000, ignore);
    admission.enter(2);
    admission.withdraw();
    expect(admission).toMatchObject({ jobs: 1, admitted: 1 });
  });

  describe('with work on probation', () => {
    it('keeps room for clean jobs and bytes, half as much again for what is on probation', () => {
      const admission = new Admission(100, 1000, ignore);
      admission.enter(100);
      admission.hold(1000);
      expect(admission.isFull).toBe(true);
      admission.moveToProbation(50, 500);
      expect(admission).toMatchObject({ isFull: false, isProbationFull: true, jobs: 100, probationJobs: 50 });
      admission.enter(50);
      expect(admission.isFull).toBe(true);
    });

    it('takes from the clean ones what is above that', () => {
      const admission = new Admission(100, 1000, ignore);
      admission.enter(90);
      admission.moveToProbation(90, 0);
      admission.enter(59);
      expect(admission.isFull).toBe(false);
      admission.enter(1);
      expect(admission.isFull).toBe(true);
    });

    it('lets clean jobs in when half of what is left to them is free', async () => {
      const admission = new Admission(100, 1000, ignore);
      admission.enter(150);
      admission.moveToProbation(90, 0);
      let isIn = false;
      const room = admission.room().then(() => (isIn = true));
      for (let left = 29; left > 0; left--) admission.leave();
      await Promise.resolve();
      expect(isIn).toBe(false);
      admission.leave();
      await room;
    });

    it('wakes dirty sources when half of their room is free, and no others', async () => {
      const admission = new Admission(100, 1000, ignore);
      admission.enter(50);
      admission.moveToProbation(50, 0);
      let isIn = false;
      const room = admission.probationRoom().then(() => (isIn = true));
      admission.moveToProbation(-24, 0);
      await Promise.resolve();
      expect(isIn).toBe(false);
      admission.moveToProbation(-1, 0);
      await room;
      expect(admission.isProbationFull).toBe(false);
    });
  });
});
