/** Where generated apns-ids come from: node:crypto, or the dice of a simulated world. */
import { ApnsIdGenerator } from '@carillon/apns';
import type { Random } from '@carillon/pool';

/** A world sends hundreds of pushes and begins thousands of times: its dice are thrown for 64 ids at once. */
const seededPoolBytes = 1024;

export function apnsIdsOf(random: Random | undefined): ApnsIdGenerator {
  if (random === undefined) return new ApnsIdGenerator();
  const fill = (target: Uint8Array): void => {
    for (let at = 0; at < target.length; at++) target[at] = random.next() * 256;
  };
  return new ApnsIdGenerator({ fill, poolBytes: seededPoolBytes });
}
