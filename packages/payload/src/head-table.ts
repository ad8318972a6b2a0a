// The distinct heads of a batch. A record names its head by number; a run of records with the same head, the common
// case, costs a comparison of a few bytes and allocates nothing.

import { type ApnsFault, isFault, parsePushType, type Priority, type PushType, pushTypes } from '@carillon/apns';
import { equalAt } from './byte-classes.ts';
import type { HeadKey } from './prepared-batch.ts';

const known: readonly PushType[] = Object.values(pushTypes);
const knownNames: readonly Buffer[] = known.map((type) => Buffer.from(type.name));

/** Heads compared one by one before a key is made for the map: jobs of one input have few. */
const comparedMax = 8;

/** Where the values that make a head lie; start < 0 means absent. */
export interface HeadSpans {
  bytes: Buffer;
  appStart: number;
  appEnd: number;
  topicStart: number;
  topicEnd: number;
  /** From typeOf(). */
  type: number;
  priority: Priority;
  isBroadcast: boolean;
}

export class HeadTable {
  #heads: HeadKey[] = [];
  // The same heads as bytes, for comparison.
  #apps: (Buffer | null)[] = [];
  #topics: (Buffer | null)[] = [];
  #types: number[] = [];
  #byKey: Map<string, number> = new Map();
  #last = -1;
  // Known types first; types we do not know follow as a batch brings them.
  #pushTypes: PushType[] = [...known];
  #typeNames: Buffer[] = [...knownNames];
  #lastType = 0;

  /** The number of a push type by its name; a fault when it cannot be one. */
  typeOf(bytes: Buffer, start: number, end: number): number | ApnsFault {
    const names = this.#typeNames;
    if (equalAt(bytes, start, end, names[this.#lastType])) return this.#lastType;
    let type = names.findIndex((name) => equalAt(bytes, start, end, name));
    if (type < 0) {
      const parsed = parsePushType(bytes.toString('utf8', start, end));
      if (isFault(parsed)) return parsed;
      type = this.#pushTypes.push(parsed) - 1;
      names.push(Buffer.from(parsed.name));
    }
    this.#lastType = type;
    return type;
  }

  pushType(type: number): PushType {
    return this.#pushTypes[type];
  }

  /** The head's number, or -1 when the batch does not have it yet: then its values have not been checked yet either. */
  find(spans: HeadSpans): number {
    if (this.#last >= 0 && this.#is(this.#last, spans)) return this.#last;
    const count = this.#heads.length;
    for (let head = 0; head < count && head < comparedMax; head++) {
      if (this.#is(head, spans)) return (this.#last = head);
    }
    if (count <= comparedMax) return -1;
    return (this.#last = this.#byKey.get(keyOf(this.#read(spans))) ?? -1);
  }

  add(spans: HeadSpans): number {
    const head = this.#read(spans);
    this.#apps.push(head.app === null ? null : Buffer.from(head.app));
    this.#topics.push(head.topic === null ? null : Buffer.from(head.topic));
    this.#types.push(spans.type);
    this.#last = this.#heads.push(head) - 1;
    this.#byKey.set(keyOf(head), this.#last);
    return this.#last;
  }

  /** The heads, for the batch that is complete; the next one begins without any. */
  take(): readonly HeadKey[] {
    const heads = this.#heads;
    this.#heads = [];
    this.#apps = [];
    this.#topics = [];
    this.#types = [];
    this.#byKey.clear();
    this.#last = -1;
    this.#pushTypes.length = known.length;
    this.#typeNames.length = known.length;
    this.#lastType = 0;
    return heads;
  }

  #is(head: number, spans: HeadSpans): boolean {
    return (
      this.#types[head] === spans.type &&
      this.#heads[head].priority === spans.priority &&
      this.#heads[head].isBroadcast === spans.isBroadcast &&
      isSame(this.#apps[head], spans.bytes, spans.appStart, spans.appEnd) &&
      isSame(this.#topics[head], spans.bytes, spans.topicStart, spans.topicEnd)
    );
  }

  #read(spans: HeadSpans): HeadKey {
    const { bytes, appStart, appEnd, topicStart, topicEnd } = spans;
    return {
      app: appStart < 0 ? null : bytes.toString('utf8', appStart, appEnd),
      topic: topicStart < 0 ? null : bytes.toString('utf8', topicStart, topicEnd),
      pushType: this.#pushTypes[spans.type],
      priority: spans.priority,
      isBroadcast: spans.isBroadcast,
    };
  }
}

function isSame(name: Buffer | null, bytes: Buffer, start: number, end: number): boolean {
  return name === null ? start < 0 : start >= 0 && equalAt(bytes, start, end, name);
}

/** No app and no topic contains a line feed, and neither is empty, so that null is not mistaken for a name. */
function keyOf(head: HeadKey): string {
  return `${head.app ?? ''}\n${head.topic ?? ''}\n${head.pushType.name}\n${head.priority}\n${head.isBroadcast}`;
}
