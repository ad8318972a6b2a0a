/** Every bench there is, in the order in which `npm run bench` runs them. */
import type { Bench } from './bench.ts';
import { conductBench } from './conduct/conduct-bench.ts';
import { engineBench } from './engine/engine-bench.ts';
import { faultsBench } from './faults/faults-bench.ts';
import { latencyBench } from './latency/latency-bench.ts';
import { memoryBench } from './memory/memory-bench.ts';
import { microBench } from './micro/micro-bench.ts';
import { payloadBench } from './payload/payload-bench.ts';
import { probationBench } from './probation/probation-bench.ts';
import { wireBench } from './wire/wire-bench.ts';

export const benches: readonly Bench[] = [
  microBench,
  wireBench,
  engineBench,
  faultsBench,
  conductBench,
  latencyBench,
  payloadBench,
  probationBench,
  memoryBench,
];
