// The versions of Node that the packages promise to run on, as programs on this machine.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { npmInstall } from './npm.ts';

export interface Runtime {
  readonly version: string;
  /** The program. */
  readonly node: string;
}

/** The oldest line that "engines" allows. The repository itself brings Node 24. */
const oldest = '22.23.3';

/** Of the packages on npm that hold Node `oldest`, by platform: what is run here is what was looked at. */
const checksums: Readonly<Record<string, string>> = {
  'linux-x64': 'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
  'linux-arm64': 'sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==',
};

/** The Node that runs this, and the oldest; says which one it goes without, and why. */
export async function findRuntimes(folder: string, say: (text: string) => void): Promise<Runtime[]> {
  const own = { version: process.versions.node, node: process.execPath };
  const platform = `${process.platform}-${process.arch}`;
  const checksum = checksums[platform];
  if (own.version === oldest) return [own];
  if (checksum === undefined) {
    say(
      `skipped: Node ${oldest}, which the npm registry does not have for ${platform}; only Node ${own.version} is tried`,
    );
    return [own];
  }
  return [{ version: oldest, node: await fetchNode(folder, `node-${platform}`, checksum, own) }, own];
}

async function fetchNode(folder: string, name: string, checksum: string, own: Runtime): Promise<string> {
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  await npmInstall(own, folder, [`${name}@${oldest}`, '--ignore-scripts', '--save-exact']);
  const lock = JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { integrity?: string }>;
  };
  const { integrity } = lock.packages[`node_modules/${name}`];
  if (integrity !== checksum) throw new Error(`${name}@${oldest} has the checksum ${integrity}, not ${checksum}`);
  return join(folder, 'node_modules', name, 'bin', 'node');
}
