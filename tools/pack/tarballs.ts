// Packs what users install: every package of the workspace that is not private.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { readWorkspace } from '../package-order.ts';
import { checkListing } from './listing.ts';
import { run } from './run.ts';

export interface Tarball {
  readonly name: string;
  /** Relative to the root: `packages/engine`. */
  readonly folder: string;
  readonly path: string;
  readonly bytes: number;
  readonly files: readonly string[];
  readonly problems: readonly string[];
}

/** The part of what `pnpm pack --json` prints that is used. */
interface PackReport {
  filename: string;
  size: number;
  files: { path: string }[];
}

export async function packAll(root: string, destination: string): Promise<Tarball[]> {
  const folders = readWorkspace(root).map(({ folder }) => folder);
  const tarballs = await Promise.all(folders.map((folder) => packOne(root, folder, destination)));
  return tarballs.filter((tarball) => tarball !== null);
}

async function packOne(root: string, folder: string, destination: string): Promise<Tarball | null> {
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
    name: string;
    private?: boolean;
    bin?: Record<string, string>;
  };
  if (manifest.private === true) return null;
  const output = await run('pnpm', ['pack', '--json', '--pack-destination', destination], {
    folder: join(root, folder),
  });
  const { filename, size, files } = JSON.parse(output) as PackReport;
  const paths = files.map((file) => file.path).sort();
  const sources = new Set(
    globSync('src/**/*.ts', { cwd: join(root, folder) }).map((path) => path.replaceAll('\\', '/')),
  );
  const problems = checkListing({ folder, files: paths, programs: Object.values(manifest.bin ?? {}), sources });
  return { name: manifest.name, folder, path: filename, bytes: size, files: paths, problems };
}
