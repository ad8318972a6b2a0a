import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Tests run on the sources of every package, never on a build that may be stale; what worker threads run is built first.
  resolve: { conditions: ['@carillon/source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@carillon/source', 'node', 'import', 'default'] } },
  test: {
    include: ['{packages,apps}/*/{src,test}/**/*.test.ts', 'bench/{src,test}/**/*.test.ts', 'tools/**/*.test.ts'],
    // Processes that tests start (the simulator, the CLI) load the sources too.
    execArgv: ['--conditions=@carillon/source'],
    globalSetup: ['tools/build-threads.ts'],
    pool: 'forks',
    testTimeout: 30_000,
  },
});
