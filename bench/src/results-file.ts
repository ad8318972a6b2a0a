/** bench/results/latest.json, in the form that the contract gives it: each bench's last rows, whenever it was run. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Row } from './bench.ts';
import type { Machine } from './machine.ts';

/** A bench that ran at another time or commit than the file's head says so itself. */
interface BenchResult extends Pick<Machine, 'commit' | 'at' | 'load'> {
  readonly isQuick: boolean;
  readonly rows: readonly Row[];
}

interface Results extends Machine {
  readonly benches: Readonly<Record<string, BenchResult>>;
}

export function keepResults(
  path: string,
  machine: Machine,
  bench: string,
  isQuick: boolean,
  rows: readonly Row[],
): void {
  const { commit, at, load } = machine;
  const results: Results = {
    ...machine,
    benches: { ...earlier(path, machine), [bench]: { commit, at, load, isQuick, rows } },
  };
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
}

/** Figures of another machine or Node are not kept beside ours. */
function earlier(path: string, machine: Machine): Results['benches'] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return {}; // the first run
  }
  try {
    const found = JSON.parse(text) as Partial<Results>; // this program wrote it; if not, what follows finds nothing in it
    return found.machine === machine.machine && found.node === machine.node ? (found.benches ?? {}) : {};
  } catch {
    console.error(`  ${path} is not JSON: it begins anew`);
    return {};
  }
}
