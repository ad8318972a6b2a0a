// Makes a failing case smaller: leaves out ever smaller pieces, then replaces octets by 0, as long as it still fails.
import { controlBytes } from './fuzz-input.ts';

/** Enough for some hundred octets; a case that hangs for long is not worth more. */
const triesMax = 3_000;

export async function shrink(found: Buffer, isFailing: (bytes: Buffer) => Promise<boolean>): Promise<Buffer> {
  let best = found;
  let tries = 0;
  const hasTries = (): boolean => tries < triesMax;
  const isBetter = async (candidate: Buffer): Promise<boolean> => {
    tries += 1;
    if (!(await isFailing(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let size = (best.length - controlBytes) >>> 1; size >= 1; size >>>= 1) {
    for (let at = controlBytes; at < best.length && hasTries();) {
      const candidate = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      if (!(await isBetter(candidate))) at += size;
    }
  }
  for (let at = controlBytes; at < best.length && hasTries(); at++) {
    if (best[at] === 0) continue;
    const candidate = Buffer.from(best);
    candidate[at] = 0;
    await isBetter(candidate);
  }
  return best;
}
