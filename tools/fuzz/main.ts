// `npm run fuzz -- TARGET… [--seconds N] [--seed S] [--case N] [--input FILE] [--out DIR]`. Hunts in one target after
// the other. Exit codes: 0 nothing found, 1 a case failed, hung or made memory grow, 2 bad usage, 130 interrupted.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { judge } from './hunt.ts';
import type { Catch } from './hunt.ts';
import { huntInWorker } from './hunt-in-worker.ts';
import type { Report } from './hunt-in-worker.ts';
import { isTargetName, targetNames, targets } from './targets.ts';
import type { TargetName } from './targets.ts';

const usage = `usage: npm run fuzz -- TARGET… [--seconds N] [--seed S] [--case N] [--input FILE] [--out DIR]
  TARGET     ${targetNames.join(', ')}, or all
  --seconds  how long each target is hunted in: 60 unless given
  --seed     which cases: the time unless given; printed
  --case     this case alone
  --input    the case in a file that an earlier run wrote
  --out      where failing cases are written: .carillon/fuzz unless given`;

class UsageError extends Error {}

interface Wanted {
  readonly targets: readonly TargetName[];
  readonly seconds: number;
  readonly seed: number;
  readonly caseNumber: number | null;
  readonly input: string | null;
  readonly out: string;
}

function wantedOf(args: readonly string[]): Wanted {
  const { values, positionals } = parse(args);
  if (positionals.length === 0) throw new UsageError('which target?');
  const names = positionals.includes('all') ? targetNames : positionals;
  const wanted: TargetName[] = [];
  for (const name of names) {
    if (!isTargetName(name)) throw new UsageError(`no target is called ${name}`);
    wanted.push(name);
  }
  return {
    targets: wanted,
    seconds: numberOf('seconds', values.seconds) ?? 60,
    seed: numberOf('seed', values.seed) ?? Date.now() % 2 ** 31,
    caseNumber: numberOf('case', values.case),
    input: values.input ?? null,
    out: values.out,
  };
}

function parse(args: readonly string[]): ReturnType<typeof parseKnown> {
  try {
    return parseKnown(args);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function parseKnown(args: readonly string[]) {
  const text = { type: 'string' } as const;
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { seconds: text, seed: text, case: text, input: text, out: { ...text, default: '.carillon/fuzz' } },
  });
}

function numberOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0) {
    throw new UsageError(`--${name} is a whole number, not ${text}`);
  }
  return value;
}

/** Returns whether nothing was found. */
async function huntIn(target: TargetName, wanted: Wanted, signal: AbortSignal): Promise<boolean> {
  const { seed, caseNumber } = wanted;
  console.log(`${target}: seed ${seed}${caseNumber === null ? `, ${wanted.seconds} s` : `, case ${caseNumber}`}`);
  const report = await huntInWorker({
    target,
    seed,
    firstCase: caseNumber ?? 0,
    casesMax: caseNumber === null ? Infinity : 1,
    seconds: wanted.seconds,
    signal,
    onProgress: (line) => console.error(`  ${target}: ${line}`),
  });
  for (const line of describeReport(report)) console.log(`${target}: ${line}`);
  if (report.caught !== null) writeCatch(target, seed, report.caught, wanted.out);
  return report.caught === null && report.memoryFault === null;
}

function describeReport({ tally, reached, seconds, memory, memoryFault }: Report): string[] {
  const rate = Math.round(tally.executions / seconds);
  return [
    `${tally.executions} executions in ${tally.cases} cases, ${rate} executions/s`,
    `reached ${reached}`,
    `the slowest case took ${tally.slowestMs.toFixed(1)} ms (case ${tally.slowestCase})`,
    memory,
    ...(memoryFault === null ? [] : [`MEMORY: ${memoryFault}`]),
  ];
}

function writeCatch(target: TargetName, seed: number, caught: Catch, folder: string): void {
  const { caseNumber, message, bytes, shrunk } = caught;
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${target}-${seed}-${caseNumber ?? 'late'}.txt`);
  const text = [
    `target: ${target}`,
    `seed: ${seed}`,
    `case: ${caseNumber ?? 'unknown'}`,
    `input: ${shrunk.toString('hex')}`,
    `before shrinking: ${bytes.toString('hex')}`,
    message,
  ];
  writeFileSync(path, `${text.join('\n')}\n`);
  console.log(`${target}: FAILED: ${message}`);
  console.log(`${target}: the case is in ${path}; again: npm run fuzz -- ${target} --input ${path}`);
}

/** Returns whether the case of an earlier run is right by now. */
async function runInput(target: TargetName, path: string): Promise<boolean> {
  const hex = /^input: ([0-9a-f]*)$/m.exec(readFileSync(path, 'utf8'))?.[1];
  if (hex === undefined) throw new UsageError(`${path} has no line "input: …"`);
  const instance = targets[target]();
  try {
    const message = await judge(instance, Buffer.from(hex, 'hex'));
    console.log(`${target}: ${message === null ? 'this case is right' : `FAILED: ${message}`}`);
    return message === null;
  } finally {
    instance.close();
  }
}

async function main(): Promise<number> {
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    const wanted = wantedOf(process.argv.slice(2));
    let isRight = true;
    for (const target of wanted.targets) {
      const isClean =
        wanted.input === null ? await huntIn(target, wanted, interrupt.signal) : await runInput(target, wanted.input);
      isRight &&= isClean;
      if (interrupt.signal.aborted) return isRight ? 130 : 1;
    }
    return isRight ? 0 : 1;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n${usage}`);
    return 2;
  }
}

process.exitCode = await main();
