// For worker-preparer.test.ts alone, which runs the tests of worker threads in a process of their own.
import base from '../../../vitest.config.ts';

export default { ...base, test: { ...base.test, include: ['packages/payload/test/worker-preparer.threads.ts'] } };
