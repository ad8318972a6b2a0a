export { observeEngine } from './observe-engine.ts';
export type { ObservedEngine, ObserveOptions } from './observe-engine.ts';
