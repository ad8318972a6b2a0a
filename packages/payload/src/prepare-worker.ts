// The program of a worker thread: prepares the lines it is shown, and hands over what came of them. It keeps nothing
// from one batch to the next but scratch space.

import { threadId } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { BatchBuilder } from './batch-builder.ts';
import { buffersOf, Mark, messageOf, type PreparedMessage, type PrepareTask } from './thread-message.ts';

let builder = new BatchBuilder();

export function prepareTask(task: PrepareTask): unknown {
  const { memory, start, end, firstLine, lineBytesMax, defaultPushType } = task;
  const mark = new Int32Array(memory, 0, 1);
  Atomics.store(mark, 0, threadId);
  // @types/node knows Buffers over shared memory, but not that they are as good as others for reading.
  const lines = Buffer.from(memory, start, end - start) as unknown as Buffer;
  try {
    builder.defaultPushType = defaultPushType;
    builder.addLines(lines, firstLine, lineBytesMax);
    const message = messageOf(builder.take());
    Atomics.store(mark, 0, Mark.done);
    return transferred(message);
  } catch (error) {
    // What it holds of this batch must not turn up in the next.
    builder = new BatchBuilder();
    throw error;
  }
}

/** In the form in which piscina transfers what a task returns. */
function transferred(message: PreparedMessage): unknown {
  return move({ [transferableSymbol]: buffersOf(message), [valueSymbol]: message });
}
