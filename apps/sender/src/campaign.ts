// A campaign of `carillon send`: its notification is read and checked, its recipients are an input like jobs.
import { createReadStream } from 'node:fs';

import { EngineConfigError, parseNotification, NotificationError, recipientsMax } from '@carillon/engine';
import type { Campaign, CampaignNotification, Engine } from '@carillon/engine';

import { UsageError } from './command-line/usage-error.ts';
import { readSmallFile } from './config/read-credential.ts';
import type { SendConfig } from './config/send-config.ts';
import type { JobInput } from './input/job-input.ts';
import type { SettledLines } from './input/settled-lines.ts';

/** Octets of the shortest line: 64 digits and a line feed. */
const lineBytesMin = 65;

/** Throws `UsageError`. Nothing is read of the recipients before the campaign runs, unless there may be too many. */
export async function openCampaign(
  engine: Engine,
  config: SendConfig,
  input: JobInput,
  settled: SettledLines | null,
  stop: AbortSignal,
): Promise<Campaign> {
  if (config.campaign === null) throw new Error('no campaign is configured');
  const { notification: path, duplicates } = config.campaign;
  const notification = await readNotification(path);
  const { name: file, sizeBytes } = input;
  if (duplicates === 'exact' && sizeBytes !== null) await refuseTooMany(file, sizeBytes);
  try {
    return engine.campaign({
      notification,
      recipients: input.lines(stop),
      duplicates,
      file,
      stop,
      ...(sizeBytes === null ? {} : { total: { bytes: sizeBytes } }),
      ...(settled === null ? {} : { isSettled: (line: number) => settled.has(line) }),
    });
  } catch (error) {
    if (error instanceof EngineConfigError) throw new UsageError(`--notification ${path}: ${error.message}`);
    throw error;
  }
}

async function readNotification(path: string): Promise<CampaignNotification> {
  const text = await readSmallFile('--notification', path, null);
  try {
    return parseNotification(text);
  } catch (error) {
    if (error instanceof NotificationError) throw new UsageError(`--notification ${path}: ${error.message}`);
    throw error;
  }
}

/** Before anything is sent: a campaign that has to end in the middle of its list is better not begun. */
async function refuseTooMany(file: string, sizeBytes: number): Promise<void> {
  const { exact } = recipientsMax;
  if (sizeBytes <= exact * lineBytesMin) return;
  let lines = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
    const bytes = chunk as Buffer; // no encoding is set
    for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) lines++;
    if (lines > exact) {
      throw new UsageError(
        `${file} has more than ${exact.toLocaleString('en-US')} lines, and no more device tokens are remembered exactly; ` +
          '--duplicates fingerprints remembers 100,000,000 (27 MB a million), --duplicates off none',
      );
    }
  }
}
