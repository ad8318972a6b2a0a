// The targets by the names that the command line takes.
import { FramesTarget } from './frames-target.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { HpackTarget } from './hpack-target.ts';
import { NdjsonTarget } from './ndjson-target.ts';
import { SessionTarget } from './session-target.ts';

export const targets = {
  frames: () => new FramesTarget(),
  hpack: () => new HpackTarget(),
  session: () => new SessionTarget(),
  ndjson: () => new NdjsonTarget(),
} as const satisfies Record<string, () => FuzzTarget>;

export type TargetName = keyof typeof targets;
export const targetNames = Object.keys(targets) as TargetName[];

export function isTargetName(name: string): name is TargetName {
  return Object.hasOwn(targets, name);
}
