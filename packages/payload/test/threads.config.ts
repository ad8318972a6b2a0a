// For worker-preparer.test.ts alone, which runs the tests of worker threads in a process of their own. As the root's.
const conditions = ['@carillon/source', 'node', 'import', 'default'];

export default {
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/payload/test/worker-preparer.threads.ts'],
    execArgv: ['--conditions=@carillon/source'],
    pool: 'forks',
    testTimeout: 30_000,
  },
};
