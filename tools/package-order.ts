// Holds the workspace against a table of who may import whom. The table is in package-order.test.ts; here are the
// readers and the checks, each a pure function from what was read to a list of violations, so that bad code can be
// checked without being committed.

import { existsSync, globSync, readFileSync, realpathSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, posix } from 'node:path';

/** What one package may do. */
export interface PackageRule {
  /** The workspace packages that its sources may import, by full name; `anything` is for the benchmarks alone. */
  imports: readonly string[] | 'anything';
  /** Of the packages that it may import, only types: nothing of them runs because of it. */
  isTypesOnly?: boolean;
  /** Libraries that users install with it, each with the reason it is worth its place. */
  libraries?: Readonly<Record<string, string>>;
  /** Node's own modules: only these, or none of these. Absent: any. */
  builtins?: { only: readonly string[] } | { never: readonly string[] };
  /** No time, randomness, promises or process: bytes and `now` in, bytes and events out. */
  isPure?: boolean;
  /** What the package must not know, for the message. */
  mustNotKnow: string;
}

export interface Manifest {
  name: string;
  exports?: unknown;
  main?: unknown;
  /** What pnpm puts in place of the fields of the same names when it packs. */
  publishConfig?: unknown;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  scripts?: Record<string, string>;
}

export interface WorkspacePackage {
  manifest: Manifest;
  /** Relative to the root, with forward slashes: `packages/frames`. */
  folder: string;
  /** Folders named in the tsconfig's references, relative to the root. */
  references: string[];
}

export interface SourceFile {
  /** Relative to the root: `packages/frames/src/index.ts`. */
  path: string;
  text: string;
}

/** Names that bring time, chance or concurrency into code that must have none. */
const impure =
  /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask|performance|process|Promise|async|await)\b|\bDate\s*\.\s*now\b|\bnew\s+Date\b|\bMath\s*\.\s*random\b/g;

const commentOrText = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;

const importForms = [
  /(?:^|[;}\n])\s*(?:import|export)\b[^'"`;()]*?\bfrom\s*['"]([^'"]+)['"]/g,
  /(?:^|[;}\n])\s*import\s*['"]([^'"]+)['"]/g,
  /\bimport\s*\(\s*['"]([^'"]+)['"]/g,
  /\brequire\s*\(\s*['"]([^'"]+)['"]/g,
  /\bimport\.meta\.resolve\s*\(\s*['"]([^'"]+)['"]/g,
];

/** An import that is there when the code runs: neither `import type` nor `export type`. */
const valueImport = /(?:^|[;}\n])\s*(?:import|export)\b(?!\s+type\b)[^'"`;()]*?\bfrom\s*['"]([^'"]+)['"]/g;

const computedImport = /\bimport\s*\(\s*(?!['"\s])/;
const fileBesideThis = /\bnew\s+URL\s*\(\s*['"](\.[^'"]+)['"]\s*,\s*import\.meta\.url/g;

export function readWorkspace(root: string): WorkspacePackage[] {
  return globSync(['packages/*/package.json', 'apps/*/package.json', 'bench/package.json'], { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((path) => {
      const folder = posix.dirname(path);
      const tsconfig = readJson(join(root, folder, 'tsconfig.json')) as { references?: { path: string }[] };
      return {
        manifest: readJson(join(root, path)) as Manifest,
        folder,
        references: (tsconfig.references ?? []).map((reference) => posix.join(folder, reference.path)),
      };
    });
}

/** Every TypeScript and JavaScript file of a package, its tests included, build and libraries left out. */
export function readSources(root: string, folder: string): SourceFile[] {
  return globSync('**/*.{ts,js,mjs}', {
    cwd: join(root, folder),
    exclude: (name) => name === 'node_modules' || name === 'dist',
  })
    .map((path) => posix.join(folder, path.replaceAll('\\', '/')))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

function isTestFile(path: string): boolean {
  return path.endsWith('.test.ts') || path.includes('/test/');
}

/** The names that a file imports, types included, in order of appearance within each form of import. */
export function importsOf(text: string): string[] {
  const code = withoutComments(text);
  return importForms.flatMap((form) => [...code.matchAll(form)].map((match) => match[1]));
}

/** Every form of import but `import type … from` counts, so that one unknown to `valueImport` is not let through. */
function isValueImport(text: string, specifier: string): boolean {
  const code = withoutComments(text);
  const inOtherForms = importForms
    .slice(1)
    .some((form) => [...code.matchAll(form)].some((match) => match[1] === specifier));
  return inOtherForms || [...code.matchAll(valueImport)].some((match) => match[1] === specifier);
}

/** The package of an import: `@scope/name/deep` → `@scope/name`, `name/deep` → `name`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Holds one file against the rule of its package. A test may import any package that is declared, by its one door. */
export function checkFile(file: SourceFile, from: WorkspacePackage, rule: PackageRule, names: Set<string>): string[] {
  const isTest = isTestFile(file.path);
  const { dependencies, optionalDependencies, peerDependencies } = from.manifest;
  const declared = { ...dependencies, ...optionalDependencies, ...peerDependencies };
  const found: string[] = [];
  for (const specifier of importsOf(file.text)) {
    const name = packageOf(specifier);
    if (specifier.startsWith('.')) {
      if (leaves(from.folder, file.path, specifier)) found.push(`reaches out of its package: ${specifier}`);
    } else if (isBuiltin(specifier)) {
      if (!specifier.startsWith('node:')) found.push(`imports ${specifier} without node:`);
      if (!isTest && !mayUseBuiltin(rule, specifier))
        found.push(`imports ${specifier}, but must not know ${rule.mustNotKnow}`);
    } else if (names.has(name)) {
      if (specifier !== name) found.push(`imports past the door of a package: ${specifier}`);
      if (name === '@carillon/bench') found.push('imports the benchmarks, which nothing may');
      if (isTest || name === from.manifest.name) continue;
      if (rule.imports !== 'anything' && !rule.imports.includes(name)) {
        found.push(`imports ${name}, but must not know ${rule.mustNotKnow}`);
      }
      if (rule.isTypesOnly === true && isValueImport(file.text, specifier)) {
        found.push(`imports more than types of ${name}, but must not know ${rule.mustNotKnow}`);
      }
      if (!(name in declared)) found.push(`imports ${name}, which its package.json does not name`);
    } else if (!isTest && !(name in declared)) {
      found.push(`imports ${name}, which its package.json does not name`);
    }
  }
  if (!isTest) {
    const code = withoutComments(file.text);
    if (rule.imports !== 'anything' && computedImport.test(code))
      found.push('imports a computed name, which nobody can check');
    for (const [, target] of code.matchAll(fileBesideThis)) {
      if (leaves(from.folder, file.path, target)) found.push(`reaches out of its package: ${target}`);
    }
    if (rule.isPure === true && file.path.startsWith(`${from.folder}/src/`)) {
      const bare = file.text.replaceAll(commentOrText, ' ');
      for (const match of bare.matchAll(impure)) found.push(`uses ${match[0]}, but must not know ${rule.mustNotKnow}`);
    }
  }
  return [...new Set(found)].map((violation) => `${file.path}: ${violation}`);
}

/** Holds a package.json, and the references of the tsconfig beside it, against the rule. */
export function checkManifest(from: WorkspacePackage, rule: PackageRule, all: readonly WorkspacePackage[]): string[] {
  const { manifest, folder, references } = from;
  const folders = new Map(all.map((one) => [one.manifest.name, one.folder]));
  const found: string[] = [];
  const shipped = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies };
  for (const name of Object.keys(shipped)) {
    if (folders.has(name)) {
      if (rule.imports !== 'anything' && !rule.imports.includes(name)) {
        found.push(`depends on ${name}, but must not know ${rule.mustNotKnow}`);
      }
    } else if (rule.imports !== 'anything' && !(name in (rule.libraries ?? {}))) {
      found.push(`depends on ${name}, for which the table gives no reason`);
    }
  }
  if ('@carillon/bench' in { ...shipped, ...manifest.devDependencies }) {
    found.push('depends on the benchmarks, which nothing may');
  }
  const expected = Object.keys(shipped).flatMap((name) => folders.get(name) ?? []);
  const missing = expected.filter((one) => !references.includes(one));
  const needless = references.filter((one) => !expected.includes(one));
  if (missing.length > 0) found.push(`tsconfig.json does not reference ${missing.join(', ')}`);
  if (needless.length > 0) found.push(`tsconfig.json references ${needless.join(', ')} without a dependency`);
  if (rule.imports !== 'anything') found.push(...checkDoor(manifest));
  return [...found, ...checkVersions(manifest)].map((violation) => `${folder}/package.json: ${violation}`);
}

/** A package has one door, src/index.ts, and its build is what users get: a published manifest names no source. */
function checkDoor(manifest: Manifest): string[] {
  const build = { types: './dist/index.d.ts', default: './dist/index.js' };
  const door = { '.': { '@carillon/source': './src/index.ts', ...build } };
  const found: string[] = [];
  if (JSON.stringify(manifest.publishConfig) !== JSON.stringify({ exports: { '.': build } })) {
    found.push('publishes (publishConfig) something other than the build of its src/index.ts');
  }
  if (JSON.stringify(manifest.exports) !== JSON.stringify(door)) {
    found.push('exports something other than its src/index.ts and the build of it');
  }
  if (manifest.main !== undefined) found.push('has a main beside its exports');
  return found;
}

/** The same version for everybody: exact numbers, or the package of this very workspace. */
export function checkVersions(manifest: Manifest): string[] {
  const { dependencies, devDependencies, optionalDependencies, peerDependencies = {} } = manifest;
  const exact = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
    .filter(([name, version]) => !isOurs(name) && !/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/.test(version))
    .map(([name, version]) => `${name} is "${version}", not an exact version`);
  // A peer is what its user has already: everything compatible from a version on.
  const peers = Object.entries(peerDependencies)
    .filter(([name, version]) => !isOurs(name) && !/^\^\d+\.\d+\.\d+$/.test(version))
    .map(([name, version]) => `${name} is "${version}", not a compatible version ("^1.2.3")`);
  const ours = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies, ...peerDependencies })
    .filter(([name, version]) => isOurs(name) && version !== 'workspace:*')
    .map(([name, version]) => `${name} is "${version}", not an exact version of this workspace ("workspace:*")`);
  return [...exact, ...peers, ...ours];
}

function isOurs(name: string): boolean {
  return name.startsWith('@carillon/');
}

/** Scripts that would run on the machine of whoever installs the package. */
export function installScriptsOf(manifest: Pick<Manifest, 'scripts'>): string[] {
  return ['preinstall', 'install', 'postinstall'].filter((name) => manifest.scripts?.[name] !== undefined);
}

/**
 * Every library that comes with an installed package, near or far, by name and version. pnpm puts what a library needs
 * beside it, so each step looks in the nearest node_modules above the real folder.
 */
export function shippedLibraries(root: string, packages: readonly WorkspacePackage[]): Map<string, Manifest> {
  const libraries = new Map<string, Manifest>();
  const waiting = packages.map((one) => ({ directory: join(root, one.folder), manifest: one.manifest }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { directory, manifest } = next;
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
      if (name.startsWith('@carillon/')) continue;
      const installed = findInstalled(directory, name);
      if (installed === null) {
        // A library for another platform is not there; anything else must be.
        if (name in (manifest.optionalDependencies ?? {})) continue;
        throw new Error(`${name}, needed by ${manifest.name}, is not installed`);
      }
      const found = readJson(join(installed, 'package.json')) as Manifest & { version: string };
      const key = `${found.name}@${found.version}`;
      if (libraries.has(key)) continue;
      libraries.set(key, found);
      waiting.push({ directory: installed, manifest: found });
    }
  }
  return libraries;
}

function findInstalled(directory: string, name: string): string | null {
  for (let at = directory; ; at = dirname(at)) {
    const candidate = join(at, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate);
    if (at === dirname(at)) return null;
  }
}

function mayUseBuiltin(rule: PackageRule, specifier: string): boolean {
  if (rule.builtins === undefined) return true;
  const name = specifier.replace(/^node:/, '').split('/')[0];
  return 'only' in rule.builtins ? rule.builtins.only.includes(name) : !rule.builtins.never.includes(name);
}

function leaves(folder: string, path: string, specifier: string): boolean {
  return !posix.join(posix.dirname(path), specifier).startsWith(`${folder}/`);
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** The text with every comment made a space; what stands in quotes stays. */
function withoutComments(text: string): string {
  return text.replaceAll(commentOrText, (match) => (match.startsWith('/') ? ' ' : match));
}
