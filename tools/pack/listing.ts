// What a tarball may hold, by allow-list, and what it must. Everything else (sources, tests, fixtures, keys, maps of
// sources that are not there) is named.

export interface Packed {
  /** Relative to the root: `packages/engine`. */
  readonly folder: string;
  /** Paths in the tarball. */
  readonly files: readonly string[];
  /** Programs that npm links, as in the manifest. */
  readonly programs: readonly string[];
  /** Paths of the package's sources: `src/index.ts`. */
  readonly sources: ReadonlySet<string>;
}

const always = ['package.json', 'README.md', 'LICENSE'];

/** Sentences that begin with the folder and the file. */
export function checkListing({ folder, files, programs, sources }: Packed): string[] {
  const present = new Set(files);
  const built = [...sources].filter((source) => !/\.(?:test|d)\.ts$/.test(source)).flatMap(buildOf);
  const missing = [...always, ...programs, ...built].filter((file) => !present.has(file));
  const found = files.flatMap((file) => checkPath(file, programs, sources));
  return [...missing.map((file) => `${file}: missing from the tarball`), ...found].map((text) => `${folder}: ${text}`);
}

/** src/engine.ts → dist/engine.js and its declarations. */
function buildOf(source: string): string[] {
  const name = source.replace(/^src\//, 'dist/').replace(/\.ts$/, '');
  return [`${name}.js`, `${name}.d.ts`];
}

function checkPath(file: string, programs: readonly string[], sources: ReadonlySet<string>): string[] {
  if (always.includes(file) || programs.includes(file)) return [];
  const built = /^dist\/(.+?)(?:\.d\.ts|\.js)$/.exec(file);
  if (built === null) return [`${file}: not for a tarball; "files" of the manifest lets it in`];
  const name = built[1];
  if (name.endsWith('.test')) return [`${file}: a test`];
  // A build leaves behind what was built from sources that were renamed or removed since.
  if (!sources.has(`src/${name}.ts`)) return [`${file}: there is no src/${name}.ts; remove dist and build again`];
  return [];
}
