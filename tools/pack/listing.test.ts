import { describe, expect, it } from 'vitest';

import { checkListing } from './listing.ts';

const sources = new Set(['src/index.ts', 'src/lane.ts', 'src/lane.test.ts', 'src/library.d.ts']);
const good = [
  ...['LICENSE', 'README.md', 'package.json', 'bin/carillon.js'],
  ...['dist/index.d.ts', 'dist/index.js', 'dist/lane.d.ts', 'dist/lane.js'],
];

function check(files: readonly string[]): string[] {
  return checkListing({ folder: 'packages/x', files, programs: ['bin/carillon.js'], sources });
}

describe('checkListing', () => {
  it('lets the build, the manifest, the README, the license and the linked programs through', () => {
    expect(check(good)).toEqual([]);
  });

  it.each([
    ['src/index.ts', 'not for a tarball'],
    ['dist/.tsbuildinfo', 'not for a tarball'],
    ['dist/index.js.map', 'not for a tarball'],
    ['test/world.ts', 'not for a tarball'],
    ['dist/key.p8', 'not for a tarball'],
    ['bin/demo.js', 'not for a tarball'],
    ['dist/lane.test.js', 'a test'],
    ['dist/removed.js', 'there is no src/removed.ts'],
    ['dist/removed.d.ts', 'there is no src/removed.ts'],
  ])('names %s', (file, why) => {
    expect(check([...good, file])).toEqual([expect.stringContaining(`packages/x: ${file}: ${why}`)]);
  });

  it.each(good)('misses %s', (file) => {
    expect(check(good.filter((one) => one !== file))).toEqual([`packages/x: ${file}: missing from the tarball`]);
  });
});
