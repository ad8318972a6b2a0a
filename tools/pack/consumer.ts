// A project of somebody who uses the packages: empty, plain npm, one version of Node. What it compiles and runs is in
// example/.
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { npmInstall, pathOf } from './npm.ts';
import { run } from './run.ts';
import type { Runtime } from './runtimes.ts';
import type { Tarball } from './tarballs.ts';

const exampleFolder = join(import.meta.dirname, 'example');

/** Stricter than most: whoever is less strict is served, too. */
const compilerOptions = {
  target: 'ES2022',
  lib: ['ES2022', 'ESNext.Disposable'],
  module: 'NodeNext',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  // The declarations themselves are checked, ours and those of the libraries they name.
  skipLibCheck: false,
  outDir: 'built',
};

export class Consumer {
  readonly #folder: string;
  readonly #runtime: Runtime;

  constructor(folder: string, runtime: Runtime) {
    this.#folder = folder;
    this.#runtime = runtime;
  }

  /** Where npm puts a package. */
  placeOf(name: string): string {
    return join(this.#folder, 'node_modules', name);
  }

  async install(tarballs: readonly Tarball[], root: string): Promise<void> {
    await mkdir(this.#folder);
    await this.#writeJson('package.json', { name: 'consumer', version: '1.0.0', private: true, type: 'module' });
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    const types = `@types/node@${manifest.devDependencies['@types/node']}`;
    await npmInstall(this.#runtime, this.#folder, [...tarballs.map((tarball) => tarball.path), types]);
  }

  /** Compiles the example, and a module that names every package, against the declarations that were shipped. */
  async compile(tarballs: readonly Tarball[]): Promise<void> {
    for (const file of await readdir(exampleFolder))
      await copyFile(join(exampleFolder, file), join(this.#folder, file));
    const everyPackage = tarballs.map(({ name }, index) => `export * as package${index} from '${name}';\n`).join('');
    await writeFile(join(this.#folder, 'every-package.ts'), everyPackage);
    await this.#writeJson('tsconfig.json', { compilerOptions, include: ['*.ts'] });
    const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
    await run(process.execPath, [join(typescript, 'bin', 'tsc'), '--project', '.'], { folder: this.#folder });
  }

  /** Runs a compiled file to its end; resolves to what it said. */
  async run(file: string): Promise<string> {
    const options = { folder: this.#folder, env: pathOf(this.#runtime) };
    return (await run(this.#runtime.node, [join('built', file)], options)).trim();
  }

  async #writeJson(file: string, value: unknown): Promise<void> {
    await writeFile(join(this.#folder, file), `${JSON.stringify(value, null, 2)}\n`);
  }
}
