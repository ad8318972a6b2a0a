// A process of its own in which a worker thread uses up its memory: what the preparer makes of the batch, as JSON.
import { WorkerPreparer } from '../src/index.ts';

const token = 'c9d4c07cfbbc26d6ef87a44d53e169831096a5d5fd82547556659dd9c4e0f1a2';
const line = (id: string): string => `{"id":"${id}","token":"${token}","payload":{"aps":{"alert":"Hi"}}}`;

await using preparer = new WorkerPreparer({
  workersMax: 1,
  program: new URL('./hostile-worker.js', import.meta.url),
  timeoutMs: 5000,
  heapBytesMax: 48 << 20,
});
const text = [line('a'), 'please exhaust', line('c'), ''].join('\n');
const { rejections, count } = await preparer.prepare(Buffer.from(text), 101);
const after = await preparer.prepare(Buffer.from(`${line('d')}\n`), 1);
const refused = rejections.map((rejection) => [rejection.line, rejection.code]);
process.stdout.write(JSON.stringify({ refused, count, after: after.count }));
