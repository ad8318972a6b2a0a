// A worker program that does to its thread what a line tells it to, and otherwise what ours does. JavaScript: a thread
// that dies must not have stripped types (README, Node dies).

import { threadId } from 'node:worker_threads';
// oxlint-disable-next-line no-restricted-imports -- what threads run is the build
import { prepareTask as prepareAsOurs } from '../dist/prepare-worker.js';

/** What the line `exhaust` fills the heap with. */
export let list = null;

/** @param {{ memory: SharedArrayBuffer, start: number, end: number }} task */
export function prepareTask(task) {
  const text = Buffer.from(new Uint8Array(task.memory, task.start, task.end - task.start)).toString('latin1');
  const deed = /please (throw|exit|loop|exhaust)/.exec(text)?.[1];
  if (deed !== undefined) Atomics.store(new Int32Array(task.memory, 0, 1), 0, threadId);
  if (deed === 'throw') throw new Error('as told');
  if (deed === 'exit') process.exit(3);
  if (deed === 'loop') for (;;);
  // Many small objects: one large one may abort the whole process instead (nodejs/node#47224).
  if (deed === 'exhaust') for (;;) list = { list, text: String(Math.random()) };
  return prepareAsOurs(task);
}
