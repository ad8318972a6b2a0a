// npm itself, run by the Node that is tried. Not pnpm: most users of the packages have plain npm.
import { dirname, delimiter } from 'node:path';

import { run } from './run.ts';
import type { Runtime } from './runtimes.ts';

/** Adds the packages to the project in `folder`. */
export async function npmInstall(runtime: Runtime, folder: string, args: readonly string[]): Promise<void> {
  const npm = process.env.npm_execpath;
  if (npm === undefined || !/[/\\]npm-cli\.js$/.test(npm)) throw new Error('start it with: npm run packaging');
  // The level is named because `npm run --silent` hands its own down, and then an error would have no text.
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error', '--prefer-offline'];
  await run(runtime.node, [npm, 'install', ...quiet, ...args], { folder, env: pathOf(runtime) });
}

/** For programs that look for `node` themselves. */
export function pathOf(runtime: Runtime): { PATH: string } {
  return { PATH: `${dirname(runtime.node)}${delimiter}${process.env.PATH ?? ''}` };
}
