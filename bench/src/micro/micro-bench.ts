/** Every hot function by itself, under tinybench. */
import { Bench as Tinybench } from 'tinybench';
import type { Bench, BenchContext, Row } from '../bench.ts';
import { apnsMicros } from './apns-micro.ts';
import { engineMicros } from './engine-micro.ts';
import { framesMicros } from './frames-micro.ts';
import type { Micro } from './micro.ts';
import { payloadMicros } from './payload-micro.ts';
import { sessionMicros } from './session-micro.ts';

export const micros: readonly Micro[] = [
  ...framesMicros,
  ...sessionMicros,
  ...engineMicros,
  ...apnsMicros,
  ...payloadMicros,
];

export const microBench: Bench = {
  name: 'micro',
  question:
    'what does one call of each hot function cost?\n' +
    'Read by whoever changes one: the load benches say that something became slower, this one says what.',
  run,
  conclude: (rows) =>
    rows.map((row) => `${row.name}: ${micros.find((micro) => micro.name === row.name)?.question ?? ''}`),
};

async function run(context: BenchContext): Promise<Row[]> {
  const rows: Row[] = [];
  for (const micro of micros.filter(({ name }) => context.wants(name))) {
    context.signal.throwIfAborted();
    context.progress(micro.name);
    rows.push(await runMicro(micro, context.isQuick ? 200 : 1000));
  }
  return rows;
}

/** Warm-up takes as long as the measurement: V8 compiles a loop anew when it has seen enough of it. */
export async function runMicro(micro: Micro, timeMs: number): Promise<Row> {
  const releases: (() => Promise<void>)[] = [];
  const call = micro.prepare((release) => releases.push(release));
  let sum = 0;
  const bench = new Tinybench({ time: timeMs, warmupTime: timeMs, iterations: 4, warmupIterations: 4, throws: true });
  bench.add(micro.name, async () => {
    const result = call();
    sum += typeof result === 'number' ? result : await result;
  });
  const [task] = await bench.run();
  for (const release of releases) await release();
  const result = task?.result;
  if (result?.state !== 'completed') throw new Error(`${micro.name} did not complete`);
  if (sum === 0) throw new Error(`${micro.name} did nothing`);
  // The median: on a machine that does other things too, the mean tells of them.
  const nanosPerOp = (result.latency.p50 * 1e6) / micro.calls;
  return {
    name: micro.name,
    n: result.latency.samplesCount * micro.calls,
    opsPerSecond: Math.round(1e9 / nanosPerOp),
    nanosPerOp: Math.round(nanosPerOp * 10) / 10,
  };
}
