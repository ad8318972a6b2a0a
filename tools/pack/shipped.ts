// What an installed package says and holds, as its user finds it in node_modules.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

/** The manifest as shipped, as far as it is looked at. */
interface ShippedManifest {
  name?: string;
  version?: string;
  description?: string;
  license?: string;
  type?: string;
  engines?: { node?: string };
  exports?: Record<string, unknown>;
  private?: boolean;
  repository?: unknown;
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

interface Shipped {
  /** For the messages, relative to the root: `packages/engine`. */
  readonly folder: string;
  /** Where npm put it. */
  readonly installed: string;
  /** Paths in it. */
  readonly files: readonly string[];
  /** What no file may say: the path of this machine. */
  readonly root: string;
}

/** Sentences that begin with the folder and the file. */
export async function checkShipped({ folder, installed, files, root }: Shipped): Promise<string[]> {
  const manifest = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as ShippedManifest;
  const found = checkManifest(manifest).map((text) => `package.json: ${text}`);
  for (const file of files) found.push(...checkText(file, await readFile(join(installed, file), 'utf8'), root));
  const { messages } = await publint({ pkgDir: installed, pack: false, level: 'warning', strict: true });
  for (const message of messages) {
    found.push(
      `package.json: publint: ${formatMessage(message, manifest as Record<string, unknown>, { color: false })}`,
    );
  }
  return found.map((text) => `${folder}: ${text}`);
}

export function checkManifest(manifest: ShippedManifest): string[] {
  const found: string[] = [];
  for (const field of ['name', 'version', 'description', 'license'] as const) {
    if ((manifest[field] ?? '') === '') found.push(`no ${field}`);
  }
  if (manifest.type !== 'module') found.push('not "type": "module"');
  if (!/^>=22\.\d+$/.test(manifest.engines?.node ?? '')) found.push('"engines" does not say from which Node 22 on');
  if (manifest.private === true) found.push('private: nobody can publish it');
  if (manifest.repository !== undefined) found.push('names a repository; there is none');
  const installScripts = ['preinstall', 'install', 'postinstall', 'prepare'];
  for (const name of installScripts) if (manifest.scripts?.[name] !== undefined) found.push(`runs a ${name} script`);
  const { dependencies, optionalDependencies, peerDependencies, exports = {} } = manifest;
  for (const [name, version] of Object.entries({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
    if (!/^\^?\d+\.\d+\.\d+/.test(version)) found.push(`${name} is "${version}", which npm cannot install`);
  }
  const door = { '.': { types: './dist/index.d.ts', default: './dist/index.js' } };
  if (JSON.stringify(exports) !== JSON.stringify(door)) {
    found.push(`"exports" is ${JSON.stringify(exports)}, not the types and the build of one door`);
  }
  return found;
}

export function checkText(file: string, text: string, root: string): string[] {
  const found: string[] = [];
  if (text.includes(root)) found.push(`${file}: names the folder it was built in`);
  // With a body: the words alone are what a program looks for.
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/=]{32}/.test(text)) found.push(`${file}: holds a private key`);
  return found;
}
