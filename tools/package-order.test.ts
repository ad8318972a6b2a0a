// The order of the packages, strictly downward, as data: who may import whom, and what each must not know. The same
// table for people is in docs/ARCHITECTURE.md.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  checkFile,
  checkManifest,
  checkVersions,
  importsOf,
  installScriptsOf,
  readSources,
  readWorkspace,
  shippedLibraries,
} from './package-order.ts';
import type { Manifest, PackageRule, WorkspacePackage } from './package-order.ts';

const network = ['net', 'tls', 'dgram', 'dns', 'http', 'https', 'http2'];

const order: Readonly<Record<string, PackageRule>> = {
  '@carillon/frames': {
    imports: [],
    builtins: { only: [] },
    isPure: true,
    mustNotKnow: "sockets, time, the state of streams, Apple's rules",
  },
  '@carillon/session': {
    imports: ['@carillon/frames'],
    // util: for inspect, to say what a handler threw.
    builtins: { only: ['util'] },
    isPure: true,
    mustNotKnow: 'sockets, timers, Apple, retries',
  },
  '@carillon/apns': {
    imports: [],
    libraries: { '@noble/curves': 'signs ES256 deterministically (RFC 6979), which node:crypto does not' },
    // util: for inspect.custom, so that a secret prints as its name.
    builtins: { only: ['buffer', 'crypto', 'util'] },
    mustNotKnow: 'HTTP/2, sockets, threads',
  },
  '@carillon/payload': {
    imports: ['@carillon/apns'],
    libraries: { piscina: 'a pool of worker threads with a bounded queue' },
    builtins: { never: [...network, 'fs', 'child_process'] },
    mustNotKnow: 'connections, outcomes',
  },
  '@carillon/pool': {
    imports: ['@carillon/session'],
    libraries: { 'p-queue': 'the gate of dials: so many at once, so many a second' },
    builtins: { never: ['http', 'https', 'http2', 'fs', 'child_process', 'worker_threads'] },
    mustNotKnow: 'Apple, jobs, reasons',
  },
  '@carillon/engine': {
    imports: ['@carillon/apns', '@carillon/payload', '@carillon/pool'],
    libraries: { 'node-forge': 'opens .p12 files encrypted with RC2-40, which OpenSSL 3 does not' },
    builtins: { never: ['http', 'https', 'http2', 'fs', 'child_process', 'cluster'] },
    mustNotKnow: 'HTTP intake, files, processes',
  },
  '@carillon/queue': {
    imports: [],
    builtins: { never: network },
    mustNotKnow: 'APNs',
  },
  // Its own reading of Apple's rules: a misunderstanding shared with the sender would cancel out.
  '@carillon/simulator': {
    imports: ['@carillon/frames'],
    mustNotKnow: 'apns, session, pool, engine',
  },
  '@carillon/otel': {
    imports: ['@carillon/engine'],
    isTypesOnly: true,
    libraries: { '@opentelemetry/api': 'types of meters and spans; who observes brings it along (a peer)' },
    builtins: { only: ['diagnostics_channel'] },
    mustNotKnow: 'how the engine does it, exporters, the clock',
  },
  '@carillon/sender': {
    imports: [
      '@carillon/apns',
      '@carillon/payload',
      '@carillon/pool',
      '@carillon/engine',
      '@carillon/queue',
      '@carillon/simulator',
    ],
    libraries: { pino: 'logs as lines of JSON, off the sending thread', 'cli-progress': 'the progress bar of send' },
    builtins: { never: ['http2'] },
    mustNotKnow: 'frames, streams',
  },
  '@carillon/bench': { imports: 'anything', mustNotKnow: 'nothing' },
};

const root = dirname(import.meta.dirname);
const workspace = readWorkspace(root);
const names = new Set(Object.keys(order));

function ruleOf(name: string): PackageRule {
  const rule = order[name];
  if (rule === undefined) throw new Error(`${name} has no row in the table of package-order.test.ts`);
  return rule;
}

describe('The order of the packages', () => {
  it('has a row for every package of the workspace', () => {
    const without = workspace.map((one) => one.manifest.name).filter((name) => !names.has(name));
    expect(without).toEqual([]);
  });

  it('only ever points to rows above', () => {
    const rows = Object.keys(order);
    for (const [row, rule] of Object.entries(order)) {
      if (rule.imports === 'anything') continue;
      for (const name of rule.imports) expect(rows.indexOf(name), `${row} → ${name}`).toBeLessThan(rows.indexOf(row));
      for (const name of rule.imports) expect(rows).toContain(name);
    }
  });

  it.each(workspace.map((one) => [one.folder, one] as const))('is kept by %s/package.json', (_, from) => {
    expect(checkManifest(from, ruleOf(from.manifest.name), workspace)).toEqual([]);
  });

  it('finds the one door of every package', () => {
    const doors = workspace.filter((one) => one.folder !== 'bench').map((one) => join(one.folder, 'src/index.ts'));
    expect(doors.filter((door) => !existsSync(join(root, door)))).toEqual([]);
  });

  it.each(workspace.map((one) => [one.folder, one] as const))('is kept by every import of %s', (_, from) => {
    const sources = readSources(root, from.folder);
    expect(sources.length).toBeGreaterThan(0);
    expect(sources.flatMap((file) => checkFile(file, from, ruleOf(from.manifest.name), names))).toEqual([]);
  });
});

describe('The libraries that come with an installation', () => {
  const shipped = shippedLibraries(
    root,
    workspace.filter((one) => one.folder !== 'bench'),
  );

  it('run no script when they are installed', () => {
    expect(shipped.size).toBeGreaterThan(0);
    const scripted = [...shipped].filter(([, manifest]) => installScriptsOf(manifest).length > 0).map(([key]) => key);
    expect(scripted).toEqual([]);
  });

  it('have one exact version each, with a checksum', () => {
    expect(checkVersions(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest)).toEqual([]);
    const lockfile = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8');
    const resolutions = lockfile.match(/^ {4}resolution: .*$/gm) ?? [];
    expect(resolutions.length).toBeGreaterThan(0);
    expect(resolutions.filter((line) => !/^ {4}resolution: \{integrity: sha512-[^,}]+\}$/.test(line))).toEqual([]);
  });
});

describe('The check itself', () => {
  const frames = packageNamed('@carillon/frames', 'packages/frames');
  const session = packageNamed('@carillon/session', 'packages/session', { '@carillon/frames': 'workspace:*' });
  const simulator = packageNamed('@carillon/simulator', 'packages/simulator', { '@carillon/frames': 'workspace:*' });
  const engine = packageNamed('@carillon/engine', 'packages/engine', { '@carillon/pool': 'workspace:*' });
  const otel = packageNamed('@carillon/otel', 'packages/otel', { '@carillon/engine': 'workspace:*' });
  const all = [frames, session, simulator, engine, packageNamed('@carillon/pool', 'packages/pool')];

  function packageNamed(name: string, folder: string, dependencies: Record<string, string> = {}): WorkspacePackage {
    const build = { types: './dist/index.d.ts', default: './dist/index.js' };
    const door = { '@carillon/source': './src/index.ts', ...build };
    const references = Object.keys(dependencies)
      .filter((one) => one.startsWith('@carillon/'))
      .map((one) => one.replace('@carillon/', 'packages/'));
    const publishConfig = { exports: { '.': build } };
    return { manifest: { name, exports: { '.': door }, publishConfig, dependencies }, folder, references };
  }

  function checkText(from: WorkspacePackage, text: string, path = `${from.folder}/src/probe.ts`): string[] {
    return checkFile({ path, text }, from, ruleOf(from.manifest.name), names);
  }

  it('reads every form of import, over several lines, and none in a comment', () => {
    const text = [
      "import a from 'one';",
      "import type { B } from 'two';",
      "import {\n  c,\n  d,\n} from 'three';",
      "export * from 'four';",
      "import 'five';",
      "const six = await import('six');",
      "type Seven = import('seven').Seven;",
      "const eight = require('eight');",
      "// import nine from 'nine';",
      "/*\nimport ten from 'ten';\n*/",
    ].join('\n');
    expect(importsOf(text).sort()).toEqual(['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'].sort());
  });

  it('lets through what the table allows', () => {
    expect(checkText(session, "import { encodePing } from '@carillon/frames';\nimport { a } from './a.ts';")).toEqual(
      [],
    );
    expect(checkManifest(session, ruleOf('@carillon/session'), all)).toEqual([]);
  });

  it.each([
    ['an import upward', frames, "import { Session } from '@carillon/session';", 'must not know'],
    ['an import of types upward', frames, "import type { Session } from '@carillon/session';", 'must not know'],
    [
      'a simulator that reads the rules of the sender',
      simulator,
      "export { judge } from '@carillon/apns';",
      'must not know',
    ],
    ['a deep import', session, "import { x } from '@carillon/frames/src/hpack/x.ts';", 'past the door'],
    ['a relative path into a neighbour', session, "import { x } from '../../frames/src/index.ts';", 'reaches out'],
    ['a worker file of a neighbour', engine, "new URL('../../payload/src/x.ts', import.meta.url);", 'reaches out'],
    ['an import of the benchmarks', engine, "import '@carillon/bench';", 'the benchmarks'],
    ['a library in frames', frames, "import { z } from 'zod';", 'does not name'],
    ['a package that is not declared', engine, "import { judge } from '@carillon/apns';", 'does not name'],
    ['a socket in session', session, "import { connect } from 'node:net';", 'must not know sockets'],
    ['a file in engine', engine, "const fs = await import('node:fs/promises');", 'must not know HTTP intake, files'],
    ['a module of Node without its prefix', engine, "import { connect } from 'net';", 'without node:'],
    ['a computed import', engine, 'await import(name);', 'computed'],
    ['a clock in session', session, 'export const startedAt = Date.now();', 'uses Date.now'],
    ['a value where only types may be', otel, "import { createEngine } from '@carillon/engine';", 'more than types'],
    ['a value handed on', otel, "export * from '@carillon/engine';", 'more than types'],
    ['a promise in frames', frames, 'export async function parse(): Promise<void> {}', 'uses async'],
  ])('catches %s', (_, from, text, message) => {
    expect(checkText(from, text).join('\n')).toContain(message);
  });

  it('lets a pure package write about time in comments and in text', () => {
    expect(checkText(session, "/** Never Date.now(). */\nexport const word = 'process'; // no Promise")).toEqual([]);
  });

  it('lets a test import any package, but by its door, and never the benchmarks', () => {
    const path = 'packages/session/src/probe.test.ts';
    expect(checkText(session, "import { startGateway } from '@carillon/simulator';", path)).toEqual([]);
    expect(checkText(session, "import { x } from '@carillon/simulator/src/x.ts';", path)).not.toEqual([]);
    expect(checkText(session, "import { x } from '@carillon/bench';", path)).not.toEqual([]);
  });

  it.each([
    ['a dependency upward', { '@carillon/engine': 'workspace:*' }, 'must not know sockets'],
    ['a library without a reason', { leftpad: '1.0.0' }, 'gives no reason'],
    ['a range of versions', { leftpad: '^1.0.0' }, 'not an exact version'],
    ['a published version of a package of ours', { '@carillon/frames': '0.1.0' }, 'not an exact version'],
  ])('catches %s in a package.json', (_, dependencies: Record<string, string>, message) => {
    const probe = packageNamed('@carillon/session', 'packages/session', dependencies);
    expect(checkManifest(probe, ruleOf('@carillon/session'), all).join('\n')).toContain(message);
  });

  it('catches a second door', () => {
    const exports = { ...(frames.manifest.exports as object), './hpack': './src/hpack/index.ts' };
    const probe = { ...frames, manifest: { ...frames.manifest, exports } };
    expect(checkManifest(probe, ruleOf('@carillon/frames'), all).join('\n')).toContain('other than its src/index.ts');
  });

  it('lets types through where only types may be', () => {
    expect(checkText(otel, "import type { Engine } from '@carillon/engine';")).toEqual([]);
  });

  it('catches a manifest that would publish the condition for sources', () => {
    const probe = { ...frames, manifest: { ...frames.manifest, publishConfig: undefined } };
    expect(checkManifest(probe, ruleOf('@carillon/frames'), all).join('\n')).toContain('publishConfig');
  });

  it('wants a range for a peer, and nothing wider than what is compatible', () => {
    const versions = { a: '^1.9.0', b: '1.9.0', c: '>=1', '@carillon/engine': 'workspace:*' };
    const found = checkVersions({ name: 'probe', peerDependencies: versions });
    expect(found).toEqual(['b', 'c'].map((name) => expect.stringContaining(`${name} is "${versions[name as 'b']}"`)));
  });

  it('catches a tsconfig that does not follow the dependencies', () => {
    const forgetful = checkManifest({ ...session, references: [] }, ruleOf('@carillon/session'), all);
    expect(forgetful.join('\n')).toContain('does not reference packages/frames');
    const needless = checkManifest({ ...frames, references: ['packages/pool'] }, ruleOf('@carillon/frames'), all);
    expect(needless.join('\n')).toContain('references packages/pool without a dependency');
  });

  it('catches a script that runs at installation', () => {
    expect(installScriptsOf({ scripts: { build: 'tsc', postinstall: 'node fetch.js' } })).toEqual(['postinstall']);
  });
});
