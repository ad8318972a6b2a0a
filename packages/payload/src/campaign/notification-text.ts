// A notification as the text of a file: the fields of a job but those of a recipient, over as many lines as one likes;
// or the payload alone. The payload's octets stay as they are: JSON.parse would change the digits of large numbers.

import { isUtf8 } from 'node:buffer';
import { NotificationError } from '../model/notification.ts';
import { JobSpans, scanJob } from '../scan-job.ts';
import { Field, fieldNames } from '../job-fields.ts';
import { JsonScan } from '../scan-json.ts';
import type { CampaignNotification } from './compile-notification.ts';

/** Throws `NotificationError`. What is in the fields is checked when the notification is compiled. */
export function parseNotification(text: Uint8Array): CampaignNotification {
  const bytes = withoutMark(Buffer.from(text));
  if (!isUtf8(bytes)) throw new NotificationError('notification', 'the text is not valid UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new NotificationError('notification', `not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new NotificationError('notification', 'an object is wanted: {"payload":{"aps":{"alert":"Hi"}}}');
  }
  if (!Object.hasOwn(value, 'payload')) {
    if (Object.hasOwn(value, 'aps')) return { payload: bytes };
    throw new NotificationError('payload', 'it is missing; {"payload":{"aps":{"alert":"Hi"}}} has one');
  }
  const fields = value as CampaignNotification; // of any types: compiling checks them
  const payload = payloadIn(bytes);
  return payload === null ? fields : { ...fields, payload };
}

/** The payload as it lies in the text; null: it is a string, or something is wrong that compiling words better. */
function payloadIn(text: Buffer): Buffer | null {
  // The scan knows jobs of one line. Valid JSON has its line feeds between tokens only, where a space is as good.
  const line = Buffer.concat([text, Buffer.of(lineFeed)]);
  for (let at = line.indexOf(lineFeed); at < text.length; at = line.indexOf(lineFeed, at + 1)) line[at] = 0x20;
  const scan = new JsonScan();
  const job = new JobSpans();
  if (scanJob(scan, job, line, 0) < 0) {
    if (scan.code === 'local.unknown-field') {
      throw new NotificationError(scan.problem, `it is no field of a notification; ${knownFields}`);
    }
    throw new NotificationError(job.faultField < 0 ? 'notification' : fieldNames[job.faultField], scan.problem);
  }
  const isText = (job.strings & (1 << Field.payload)) !== 0;
  // From the text, so that white space is what it was.
  return isText ? null : Buffer.from(text.subarray(job.starts[Field.payload], job.ends[Field.payload]));
}

const lineFeed = 0x0a;
const knownFields =
  'payload, pushType, topic, priority, expiration, collapseId, deadline, onAmbiguous and truncate are';

function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
