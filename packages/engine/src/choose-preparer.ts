/** Who prepares lines of NDJSON: the caller's own preparer, this thread, or worker threads. */
import type { ApnsIdGenerator } from '@carillon/apns';
import { AutoPreparer, InlinePreparer, WorkerPreparer } from '@carillon/payload';
import type { Preparer } from '@carillon/payload';
import type { EngineSettings, Seams } from './options.ts';

export function choosePreparer(
  { prepare, workersMax, limits }: EngineSettings,
  seams: Seams,
  apnsIds: ApnsIdGenerator,
): Preparer {
  if (seams.preparer !== undefined) return seams.preparer;
  const options = { batchesMax: limits.preparingMax, ...(workersMax === null ? {} : { workersMax }) };
  if (prepare === 'workers') return new WorkerPreparer(options);
  // A world with a clock or dice of its own runs in one thread: the same seed gives the same run (design: 9).
  const isSimulated = seams.clock !== undefined || seams.random !== undefined;
  return prepare === 'inline' || isSimulated ? new InlinePreparer({ apnsIds }) : new AutoPreparer(options);
}
