import { describe, expect, it } from 'vitest';

import { checkManifest, checkText } from './shipped.ts';

const good = {
  name: '@carillon/x',
  version: '0.1.0',
  description: 'What it is',
  license: 'MIT',
  type: 'module',
  engines: { node: '>=22.18' },
  exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
  dependencies: { '@carillon/frames': '0.1.0' },
  peerDependencies: { '@opentelemetry/api': '^1.9.0' },
};

describe('checkManifest', () => {
  it('finds nothing wrong with a manifest that npm can use', () => {
    expect(checkManifest(good)).toEqual([]);
  });

  it.each([
    ['a dependency on the workspace', { dependencies: { '@carillon/frames': 'workspace:*' } }, 'npm cannot install'],
    ['a peer of the workspace', { peerDependencies: { '@carillon/engine': 'workspace:^' } }, 'npm cannot install'],
    [
      'the condition for sources',
      { exports: { '.': { '@carillon/source': './src/index.ts', ...good.exports['.'] } } },
      'one door',
    ],
    ['no license', { license: '' }, 'no license'],
    ['a repository', { repository: 'x' }, 'repository'],
    ['a private package', { private: true }, 'private'],
    ['a script at installation', { scripts: { postinstall: 'node x.js' } }, 'postinstall'],
    ['an unbounded Node', { engines: { node: '*' } }, 'engines'],
    ['CommonJS', { type: 'commonjs' }, 'module'],
  ])('names %s', (_, change, why) => {
    expect(checkManifest({ ...good, ...change })).toEqual([expect.stringContaining(why)]);
  });
});

describe('checkText', () => {
  const begin = '-----BEGIN PRIVATE KEY-----';

  it('names a file that holds a private key, or the folder it was built in', () => {
    expect(checkText('dist/x.js', `${begin}\n${'A'.repeat(64)}\n`, '/build')).toEqual([
      'dist/x.js: holds a private key',
    ]);
    expect(checkText('dist/x.js', 'at /build/src/x.ts', '/build')).toEqual([expect.stringContaining('dist/x.js')]);
  });

  it('lets a program look for the words', () => {
    expect(checkText('dist/x.js', `pem.includes('${begin}')`, '/build')).toEqual([]);
  });
});
