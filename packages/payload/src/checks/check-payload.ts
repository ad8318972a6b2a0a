// The second look at a payload: with the whole of it as a value, and time to find words. Everything it says names a path
// and what would be right. Cold for nearly all pushes: aps-facts.ts sees in passing that there is nothing to say.
//
// Refused is what Apple's pages exclude in so many words. APNs answers 200 to most of it, and the device ignores the key
// or drops the notification without a trace, so that nobody would ever learn of it. Warned about is where the pages say
// nothing, contradict one another or practice is wider, and names that are not known: Apple adds some every year.

import { isFault, parsePushType, type PushType } from '@carillon/apns';
import { typeOf } from '../json-type.ts';
import {
  activityEvents,
  alertSchema,
  apsSchema,
  interruptionLevels,
  type KeyRule,
  localisedTextRules,
  secondsMax,
  soundRules,
} from './aps-schema.ts';
import { type Complaint, Complaints, memberPath, shown } from './complaint.ts';
import { ruleFor, startRequires } from './push-type-rules.ts';

type Dictionary = Readonly<Record<string, unknown>>;
type Schema = Readonly<Record<string, KeyRule>>;

export interface CheckPayloadOptions {
  /** As a job names it; `alert` when left out. */
  readonly pushType?: string;
  /** It goes to a channel, not to a device. */
  readonly isBroadcast?: boolean;
}

/**
 * What is to be said about a payload of this push type: at most 8 complaints, refusals and warnings in the order of the
 * payload's keys. It is about `aps` and what the system reads beside it; size, surrogates, depth and keys given twice are
 * looked at when a job is prepared. `payload` holds what JSON.parse gives.
 */
export function checkPayload(payload: Dictionary, options: CheckPayloadOptions = {}): readonly Complaint[] {
  const pushType = parsePushType(options.pushType ?? 'alert');
  // A push type that cannot be one is refused by whoever reads the job; no schema holds for it.
  return isFault(pushType) ? [] : complaintsAbout(payload, pushType, options.isBroadcast ?? false);
}

export function complaintsAbout(payload: Dictionary, pushType: PushType, isBroadcast: boolean): readonly Complaint[] {
  const complaints = new Complaints();
  const rule = ruleFor(pushType);
  for (const name of rule.advisesBeside) {
    if (typeof payload[name] !== 'string') {
      complaints.warn('local.advised-key-missing', name, `is no string; pushes of type ${pushType.name} have one`);
    }
  }
  if (rule.apsIs === 'apple') new ApsWalk(complaints, pushType, isBroadcast).walk(payload);
  return complaints.found;
}

class ApsWalk {
  readonly #complaints: Complaints;
  readonly #pushType: PushType;
  readonly #isBroadcast: boolean;
  readonly #isActivity: boolean;

  constructor(complaints: Complaints, pushType: PushType, isBroadcast: boolean) {
    this.#complaints = complaints;
    this.#pushType = pushType;
    this.#isBroadcast = isBroadcast;
    this.#isActivity = pushType.name === 'liveactivity';
  }

  walk(payload: Dictionary): void {
    const aps = Object.hasOwn(payload, 'aps') ? payload['aps'] : undefined;
    if (isDictionary(aps)) {
      for (const name of Object.keys(aps)) this.#key('aps', name, aps[name], apsSchema);
      this.#together(aps);
    } else if (aps === undefined || aps === null) {
      if (aps === null) this.#null('aps');
      this.#forgotten(payload);
      this.#together({});
    } else if (Array.isArray(aps) && aps.length === 0) {
      // What PHP makes of an empty dictionary; Wallet's pushes have nothing in it.
      this.#complaints.warn('local.odd-value', 'aps', 'is an empty array; an object is right');
      this.#together({});
    } else {
      this.#complaints.refuse('local.payload-wrong-type', 'aps', `is ${shown(aps)}; an object is wanted`);
    }
  }

  #key(within: string, name: string, value: unknown, schema: Schema): void {
    const path = memberPath(within, name);
    const rule = Object.hasOwn(schema, name) ? schema[name] : undefined;
    if (rule === undefined) return this.#unknown(path, name, schema);
    if (rule.meantFor !== 'any') this.#meant(path, rule);
    const type = typeOf(value);
    if ((rule.types & type) !== 0) return this.#value(path, value, rule);
    if (value === null) return this.#null(path);
    if (rule.value === 'text' && this.#isActivity && isDictionary(value)) {
      for (const key of Object.keys(value)) this.#key(path, key, value[key], localisedTextRules);
      return;
    }
    this.#complaints.refuse('local.payload-wrong-type', path, `is ${shown(value)}; ${rule.wanted} is wanted`);
  }

  #value(path: string, value: unknown, rule: KeyRule): void {
    switch (rule.value) {
      case 'one':
        if (value !== 1) this.#odd(path, value, rule);
        return;
      case 'true':
        if (value !== true) this.#odd(path, value, rule);
        return;
      case 'count':
        if (!Number.isInteger(value) || Number(value) < 0) this.#odd(path, value, rule);
        return;
      case 'time':
        if (Math.abs(Number(value)) >= secondsMax) this.#beyond(path, value, `${rule.wanted}, not in milliseconds,`);
        return;
      case 'unit':
        if (!isWithinOne(value)) this.#beyond(path, value, rule.wanted);
        return;
      case 'score':
        if (!this.#isActivity && !isWithinOne(value)) this.#beyond(path, value, rule.wanted);
        return;
      case 'level':
        return this.#name(path, value, interruptionLevels);
      case 'event':
        return this.#name(path, value, activityEvents);
      case 'texts':
        return this.#texts(path, value);
      case 'alert':
        return this.#members(path, value, alertSchema);
      case 'sound':
        return this.#members(path, value, soundRules);
      default:
    }
  }

  /** The keys of an alert or a sound that is an object. */
  #members(path: string, value: unknown, schema: Schema): void {
    if (!isDictionary(value)) return;
    for (const name of Object.keys(value)) this.#key(path, name, value[name], schema);
  }

  #texts(path: string, value: unknown): void {
    if (!Array.isArray(value)) return;
    const at = value.findIndex((text) => typeof text !== 'string');
    if (at < 0) return;
    const message = `is ${shown(value[at])}; a string is wanted`;
    this.#complaints.refuse('local.payload-wrong-type', `${path}[${at}]`, message);
  }

  /** One of the names that Apple lists today. */
  #name(path: string, value: unknown, names: readonly string[]): void {
    if (names.includes(String(value))) return;
    const message = `is ${shown(value)}, which devices of today do not know; they know ${names.join(', ')}`;
    this.#complaints.warn('local.unknown-value', path, message);
  }

  #odd(path: string, value: unknown, rule: KeyRule): void {
    this.#complaints.warn('local.odd-value', path, `is ${shown(value)}; Apple's page knows ${rule.wanted} only`);
  }

  #beyond(path: string, value: unknown, wanted: string): void {
    this.#complaints.refuse('local.payload-bad-value', path, `is ${shown(value)}; ${wanted} is right`);
  }

  #null(path: string): void {
    this.#complaints.warn('local.null-value', path, 'is null; a key without a value is left out');
  }

  #unknown(path: string, name: string, schema: Schema): void {
    const meant = meantKey(name, schema);
    let hint = 'devices ignore keys of your own inside aps; beside aps the app gets them';
    if (meant !== null) hint = `${meant} is meant?`;
    this.#complaints.warn('local.unknown-aps-key', path, `is no key of Apple's; ${hint}`);
  }

  /** A key that only other push types know. */
  #meant(path: string, rule: KeyRule): void {
    const isRight = rule.meantFor === 'live activities' ? this.#isActivity : isRefresh(this.#pushType);
    if (isRight) return;
    const wanted = rule.meantFor === 'live activities' ? 'liveactivity' : 'widgets or controls';
    const message = `means nothing in a push of type ${this.#pushType.name}; pushType ${wanted} is meant?`;
    this.#complaints.warn('local.misplaced-key', path, message);
  }

  /** No `aps` at all: has its content been put beside it? */
  #forgotten(payload: Dictionary): void {
    for (const name of ['alert', 'badge', 'sound', 'content-available']) {
      if (!Object.hasOwn(payload, name)) continue;
      this.#complaints.warn('local.misplaced-key', name, `stands beside aps, where devices do not look for it`);
    }
  }

  /** What the keys say together. */
  #together(aps: Dictionary): void {
    const { name } = this.#pushType;
    const rule = ruleFor(this.#pushType);
    const has = (key: string): boolean => Object.hasOwn(aps, key) && aps[key] !== null;
    for (const key of rule.advises) {
      // An end need not say what is shown at last.
      if (has(key) || (key === 'content-state' && aps['event'] === 'end')) continue;
      const message = `is missing; without it devices may do nothing with a push of type ${name}`;
      this.#complaints.warn('local.advised-key-missing', `aps.${key}`, message);
    }
    if (name === 'background') this.#background(has);
    if (name === 'alert') this.#alert(aps, has);
    if (this.#isActivity) this.#activity(aps, has);
  }

  #background(has: (key: string) => boolean): void {
    const visible = ['alert', 'badge', 'sound'].find(has);
    if (visible === undefined) return;
    const message = 'is something to see or hear, which no background push has; push type alert can have it';
    this.#complaints.refuse('local.background-visible', `aps.${visible}`, message);
  }

  #alert(aps: Dictionary, has: (key: string) => boolean): void {
    if (aps['content-available'] !== 1 || ['alert', 'badge', 'sound', 'mutable-content'].some(has)) return;
    const message = 'is all there is, so the push is of type background; of type alert, APNs may hold it back';
    this.#complaints.warn('local.push-type-mismatch', 'aps.content-available', message);
  }

  #activity(aps: Dictionary, has: (key: string) => boolean): void {
    if (has('input-push-token') && has('input-push-channel')) {
      const message = 'stands beside input-push-token; an activity is updated by a token or through a channel';
      this.#complaints.warn('local.odd-value', 'aps.input-push-channel', message);
    }
    if (aps['event'] !== 'start') return;
    if (this.#isBroadcast) {
      const message = 'is "start"; a broadcast updates and ends activities, a push to a token starts one';
      this.#complaints.refuse('local.broadcast-start', 'aps.event', message);
    }
    for (const key of startRequires) {
      if (has(key)) continue;
      this.#complaints.refuse(
        'local.payload-key-missing',
        `aps.${key}`,
        'is missing; no Live Activity starts without it',
      );
    }
  }
}

function isDictionary(value: unknown): value is Dictionary {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWithinOne(value: unknown): boolean {
  return Number(value) >= 0 && Number(value) <= 1;
}

function isRefresh({ name }: PushType): boolean {
  return name === 'widgets' || name === 'controls';
}

/** Plain name → Apple's, by schema. Made once: a program that misspells a key does it in every payload. */
const meanings: ReadonlyMap<Schema, ReadonlyMap<string, string>> = new Map(
  [apsSchema, alertSchema, soundRules, localisedTextRules].map((schema) => [
    schema,
    new Map(Object.keys(schema).map((key) => [plainName(key), key])),
  ]),
);

/** The key that was probably meant: `threadId`, `thread_id` and `Thread-ID` mean `thread-id`. */
function meantKey(name: string, schema: Schema): string | null {
  return name.length > 40 ? null : (meanings.get(schema)?.get(plainName(name)) ?? null);
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/[-_ ]/g, '');
}
