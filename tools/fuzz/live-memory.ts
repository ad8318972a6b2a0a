// What a thread really holds: its heap and buffers right after a collection. The memory of the process tells less, for
// it follows the collector's moods by a hundred MiB.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// V8 puts the collector into contexts that are made after this.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export function liveBytes(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
