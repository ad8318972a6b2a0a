export type { Bench, BenchContext, Row } from './bench.ts';
export { benches } from './benches.ts';
