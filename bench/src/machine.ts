/** What the figures were measured on. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';

export interface Machine {
  readonly machine: string;
  readonly node: string;
  /** Short hash, with `+` when the tree has changes; `unknown` outside a checkout. */
  readonly commit: string;
  /** ISO time. */
  readonly at: string;
  /** Of the last minute, our own included: above the number of CPUs only ratios mean anything. */
  readonly load: number;
}

export function describeMachine(root: string): Machine {
  const all = cpus();
  const model = all[0]?.model.replaceAll(/\((?:R|TM)\)/g, '').trim() ?? 'unknown CPU';
  const memory = Math.round(totalmem() / 2 ** 30);
  return {
    machine: `${all.length} × ${model}, ${memory} GB, ${process.platform} ${process.arch}`,
    node: process.versions.node,
    commit: commitOf(root),
    at: new Date().toISOString(),
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

function commitOf(root: string): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return (
      git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+')
    );
  } catch {
    // No git, or an unpacked archive: the figures count all the same.
    return 'unknown';
  }
}
