import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { guardedLedger } from './device-ledger.ts';
import type { LedgerPage } from './device-ledger.ts';

const broken: LedgerPage = {
  get size(): number {
    throw new Error('size');
  },
  find: () => {
    throw new Error('find');
  },
  set: () => {
    throw new Error('set');
  },
  deleteBefore: () => {
    throw new Error('deleteBefore');
  },
};

describe("An embedder's ledger that throws", () => {
  const uncaught: string[] = [];
  const note = (error: unknown): void => void uncaught.push(error instanceof Error ? error.message : String(error));
  let listeners: NodeJS.UncaughtExceptionListener[] = [];

  beforeEach(() => {
    uncaught.length = 0;
    listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', note);
  });

  afterEach(() => {
    process.off('uncaughtException', note);
    for (const listener of listeners) process.on('uncaughtException', listener);
  });

  it('knows nothing, as far as the engine goes, and its errors surface afterwards', async () => {
    const { dead } = guardedLedger({ dead: broken, resting: broken, suspects: broken });
    expect(dead.size).toBe(0);
    expect(dead.find('scope', Buffer.alloc(64), 0, 64)).toBeNull();
    dead.set('scope', 'token', 1);
    dead.deleteBefore('scope', 'token', 1);
    dead.forgetUntil?.(1);
    expect(uncaught).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(uncaught).toEqual(['size', 'find', 'set', 'deleteBefore']);
  });
});
