// Before the tests: builds what worker threads run, which is built code also where everything else runs as sources
// (packages/payload/src/preparing-threads.ts). Half a second when nothing has changed.

import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);

export function setup(): void {
  const tsc = join(root, 'node_modules/.bin/tsc');
  execFileSync(tsc, ['--build', join(root, 'packages/payload')], { stdio: ['ignore', 'inherit', 'inherit'] });
}
