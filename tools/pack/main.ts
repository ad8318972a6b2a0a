// Packs every package that users install, and uses the tarballs as they would: plain npm, an empty project, each version
// of Node that is promised. `npm run packaging`; needs nothing of the network but the npm registry.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { Consumer } from './consumer.ts';
import { findRuntimes } from './runtimes.ts';
import { checkShipped } from './shipped.ts';
import { packAll } from './tarballs.ts';
import type { Tarball } from './tarballs.ts';

const root = dirname(dirname(import.meta.dirname));
const folder = await mkdtemp(join(tmpdir(), 'carillon-packaging-'));
let problems = 0;
try {
  await checkPackages();
} catch (error) {
  report([`packaging: ${(error as Error).message}`]);
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(problems === 0 ? 'packaging: all is well' : `packaging: problems: ${problems}`);
process.exitCode = problems === 0 ? 0 : 1;

/** Goes on after a problem of one package, so that one run names them all; throws where nothing more can be tried. */
async function checkPackages(): Promise<void> {
  const tarballs = await packAll(root, folder);
  for (const { name, bytes, files, problems: found } of tarballs) {
    console.log(`${name}: ${files.length} files, ${Math.ceil(bytes / 1000)} kB`);
    report(found);
  }
  const runtimes = await step('Node, each version', () => findRuntimes(join(folder, 'runtime'), console.log));
  for (const [index, runtime] of runtimes.entries()) {
    const consumer = new Consumer(join(folder, `consumer-${runtime.version}`), runtime);
    await step(`Node ${runtime.version}: install`, () => consumer.install(tarballs, root));
    // The same files everywhere: once is enough.
    if (index === 0) report(await checkInstalled(tarballs, consumer));
    await step(`Node ${runtime.version}: compile`, () => consumer.compile(tarballs));
    for (const file of ['every-package.js', 'embed.js', 'command.js']) {
      await step(`Node ${runtime.version}: ${file}`, () => consumer.run(file));
    }
  }
}

function report(found: readonly string[]): void {
  for (const problem of found) console.error(problem);
  problems += found.length;
}

async function checkInstalled(tarballs: readonly Tarball[], consumer: Consumer): Promise<string[]> {
  const found = tarballs.map((tarball) =>
    checkShipped({ folder: tarball.folder, installed: consumer.placeOf(tarball.name), files: tarball.files, root }),
  );
  return (await Promise.all(found)).flat();
}

/** Says how long it took, and what the work said, if that is a text. */
async function step<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const began = performance.now();
  try {
    const result = await work();
    console.log(`${name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
    if (typeof result === 'string' && result !== '') console.log(`  ${result.replaceAll('\n', '\n  ')}`);
    return result;
  } catch (error) {
    // The folder is gone when this is read: what is left of a path begins at the package.
    const text = (error as Error).message.replaceAll(`${folder}/`, '');
    throw new Error(`${name}: ${text}`, { cause: error });
  }
}
