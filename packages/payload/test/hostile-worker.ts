// A worker program that does to its thread what a line tells it to, and otherwise what ours does.

import { threadId } from 'node:worker_threads';
import { prepareTask as prepareAsOurs } from '../src/prepare-worker.ts';

type Task = Parameters<typeof prepareAsOurs>[0];

export function prepareTask(task: Task): unknown {
  const text = Buffer.from(new Uint8Array(task.memory, task.start, task.end - task.start)).toString('latin1');
  const deed = /please (throw|exit|loop|exhaust)/.exec(text)?.[1];
  if (deed !== undefined) Atomics.store(new Int32Array(task.memory, 0, 1), 0, threadId);
  if (deed === 'throw') throw new Error('as told');
  if (deed === 'exit') process.exit(3);
  if (deed === 'loop') for (;;);
  if (deed === 'exhaust') {
    const kept: object[] = [];
    for (;;) kept.push({ kept: [kept.length, String(kept.length)] });
  }
  return prepareAsOurs(task);
}
