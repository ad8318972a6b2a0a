export { runCarillon } from './carillon.ts';
export type { ExitCode } from './exit-code.ts';
