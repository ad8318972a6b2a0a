/** A line of NDJSON made into a record by @carillon/payload, beside what one would write by hand. */
import { InlinePreparer } from '@carillon/payload';
import { ndjsonChunks } from '../load/traffic.ts';
import { count } from './fixtures.ts';
import type { Micro } from './micro.ts';

const scanLines: Micro = {
  name: 'payload: scan line of 381 octets',
  question: 'What does a line cost, checked in full and copied into its arena with a new apns-id?',
  calls: count,
  prepare() {
    const lines = ndjsonChunks(count, count)[0];
    const preparer = new InlinePreparer();
    return () => preparer.prepare(lines, 1).count;
  },
};

const parseLines: Micro = {
  name: 'payload: JSON.parse + JSON.stringify',
  question: 'What would the same line cost in the plain way, nothing checked?',
  calls: count,
  prepare() {
    const lines = ndjsonChunks(count, count)[0].toString('utf8').trimEnd().split('\n');
    const target = Buffer.alloc(1024);
    return () => {
      let sum = 0;
      for (const line of lines) {
        const job = JSON.parse(line) as { payload: object }; // the line was made here
        sum += target.write(JSON.stringify(job.payload), 0, 'utf8');
      }
      return sum;
    };
  },
};

export const payloadMicros: readonly Micro[] = [scanLines, parseLines];
