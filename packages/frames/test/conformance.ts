// Third-party vectors that lie beside the repository, in ../shared/conformance; its README counts them.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../../../shared/conformance/', import.meta.url);

/** Says why on the console where the folder is absent: a run without vectors must not look like success. */
export function hasVectors(folder: string): boolean {
  if (existsSync(new URL(folder, root))) return true;
  console.log(`frames: ${folder} is not checked, for ${fileURLToPath(root)} is absent`);
  return false;
}

/** The caller names the shape that the README of the vectors gives. */
export function readVectors<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(path, root), 'utf8')) as T;
}

export function readVectorLines<T>(path: string): T[] {
  const lines = readFileSync(new URL(path, root), 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T);
}

/** Files of this ending under a folder and the folders in it, as paths that `readVectors` takes. */
export function listVectors(folder: string, ending: string): string[] {
  return readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => `${folder}/${path}`)
    .sort();
}
