/** Rows of load benches: a client written for Node, in a process of its own, or h2load. */
import { h2loadVersion, runH2load } from './h2load.ts';
import type { LoadRow } from './load-rows.ts';
import { runClient } from './run-client.ts';

/** `program` is the path in bench/src of a file that ends in `-process`. */
export function client(
  name: string,
  program: string,
  pace: LoadRow['pace'],
  ...variants: LoadRow['variants']
): LoadRow {
  return {
    name,
    pace,
    variants: variants.length === 0 ? [{}] : variants,
    run: (task, _gateway, signal) => runClient(`${program}-process`, task, { signal }),
  };
}

export const h2load: LoadRow = {
  name: 'h2load',
  pace: 'fast',
  variants: [{}],
  run: async (task, _gateway, signal) => ((await h2loadVersion()) === null ? null : runH2load(task, signal)),
};
