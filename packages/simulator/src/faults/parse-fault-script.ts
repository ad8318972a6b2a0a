// Untrusted JSON into a FaultScript: every field is known, of its type, and the message says where it is not.
import { readFileSync } from 'node:fs';

import type { Fault, FaultAction, FaultScript, FaultTrigger, FloodKind, MalformedKind } from './fault-script.ts';

/** The file names a fault that does not exist, or says something else that cannot be meant. */
export class FaultScriptError extends Error {
  override readonly name = 'FaultScriptError';
  readonly code = 'ERR_SIMULATOR_FAULT_SCRIPT';
}

/** What a field may hold: a kind of value, or one of a few words. */
type FieldRule = 'count' | 'text' | 'flag' | 'counts' | 'steps' | 'stream' | readonly string[];
type Fields = Readonly<Record<string, FieldRule>>;

const floodKinds: readonly FloodKind[] = [
  'ping',
  'settings',
  'settings-ack',
  'rst',
  'window-update',
  'priority',
  'unknown',
  'empty-data',
  'dribble',
  'continuation',
  'hpack-bomb',
  'tiny-headers',
  'empty-headers',
  'push-promise',
];

const malformedKinds: readonly MalformedKind[] = [
  'no-status',
  'two-statuses',
  'bad-status',
  'upper-case',
  'pseudo-after-regular',
  'unknown-pseudo',
  'connection-field',
  'content-length',
  'data-first',
  'bad-hpack',
];

const goAwayIds: readonly string[] = ['exact', 'zero', 'max', 'two-step', 'higher-second'];

const triggerFields: Fields = {
  on: ['accept', 'start', 'request', 'reply', 'byte', 'time', 'command'],
  connections: 'counts',
  nth: 'count',
  every: 'count',
  skip: 'count',
  inAll: 'flag',
  token: 'text',
  afterMs: 'count',
  times: 'count',
};

const actionFields: Readonly<Record<FaultAction['kind'], Fields>> = {
  'handshake-hang': {},
  'handshake-reset': {},
  'handshake-close': {},
  'tls-alert': { description: 'count' },
  goaway: {
    lastStreamId: 'stream',
    code: 'count',
    debug: 'text',
    reason: 'text',
    stepMs: 'count',
    insteadOfSettings: 'flag',
    closes: 'flag',
  },
  'no-settings': {},
  settings: { steps: 'steps' },
  'hold-windows': {},
  silence: {},
  'stop-reading': { forMs: 'count' },
  'tcp-reset': {},
  'half-close': {},
  truncate: {},
  close: {},
  restart: { awayMs: 'count' },
  segments: { bytes: 'count' },
  'ping-answers': { how: ['none', 'late', 'wrong'], delayMs: 'count' },
  ping: {},
  'unknown-frame': { type: 'count', bytes: 'count' },
  'unknown-setting': {},
  priority: {},
  'stray-reply': { stream: ['idle', 'closed', 'even'] },
  raw: { hex: 'text' },
  flood: { of: floodKinds, count: 'count' },
  rst: { code: 'count', again: 'count', afterHeaders: 'flag', processed: 'flag' },
  'no-answer': {},
  delay: { delayMs: 'count' },
  status: { status: 'count', reason: 'text', retryAfter: 'text', body: 'text', bodyBytes: 'count', claimsGzip: 'flag' },
  'split-body': { bytes: 'count' },
  continuation: { pieces: 'count' },
  interim: { status: 'count', count: 'count' },
  trailers: {},
  'no-apns-id': {},
  malformed: { how: malformedKinds },
  'push-promise': {},
  'oversized-data': { bytes: 'count' },
};

const stepFields: Fields = {
  afterMs: 'count',
  maxConcurrentStreams: 'count',
  initialWindowSize: 'count',
  maxFrameSize: 'count',
  headerTableSize: 'count',
  maxHeaderListSize: 'count',
};

/** Fields without which an action means nothing. */
const requiredFields: Readonly<Partial<Record<FaultAction['kind'], readonly string[]>>> = {
  'tls-alert': ['description'],
  settings: ['steps'],
  'ping-answers': ['how'],
  'stray-reply': ['stream'],
  raw: ['hex'],
  flood: ['of'],
  delay: ['delayMs'],
  status: ['status'],
  'split-body': ['bytes'],
  continuation: ['pieces'],
  malformed: ['how'],
};

export function loadFaultScript(path: string): FaultScript {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new FaultScriptError(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return parseFaultScript(json);
}

export function parseFaultScript(json: unknown): FaultScript {
  const script = asObject(json, 'the fault script');
  checkNames(script, ['faults'], 'the fault script');
  if (!Array.isArray(script['faults'])) throw new FaultScriptError('faults: expected a list');
  return { faults: script['faults'].map((fault, index) => parseFault(fault, `faults[${index}]`)) };
}

function parseFault(json: unknown, path: string): Fault {
  const fault = asObject(json, path);
  checkNames(fault, ['id', 'when', 'action'], path);
  const when = asObject(fault['when'], `${path}.when`);
  checkFields(when, triggerFields, `${path}.when`);
  if (when['on'] === undefined) throw new FaultScriptError(`${path}.when.on is missing`);
  const action = asObject(fault['action'], `${path}.action`);
  const kind = action['kind'];
  if (typeof kind !== 'string' || !Object.hasOwn(actionFields, kind)) {
    throw new FaultScriptError(
      `${path}.action.kind: ${JSON.stringify(kind)} is none of ${Object.keys(actionFields).join(', ')}`,
    );
  }
  const known = kind as FaultAction['kind']; // own key of the table above
  checkFields(action, { kind: 'text', ...actionFields[known] }, `${path}.action`);
  for (const name of requiredFields[known] ?? []) {
    if (action[name] === undefined) throw new FaultScriptError(`${path}.action.${name} is missing`);
  }
  const isHandshake = known.startsWith('handshake-') || known === 'tls-alert';
  if (isHandshake !== (when['on'] === 'accept')) {
    throw new FaultScriptError(`${path}: ${known} does not go with "on": ${JSON.stringify(when['on'])}`);
  }
  if (isReplyAction(known) && when['on'] !== 'request') {
    throw new FaultScriptError(`${path}: ${known} happens to a request, "on" must be "request"`);
  }
  const id = fault['id'];
  if (id !== undefined && typeof id !== 'string') throw new FaultScriptError(`${path}.id: expected text`);
  // Every field was held against the tables above.
  const checked = { when: when as unknown as FaultTrigger, action: action as unknown as FaultAction };
  return id === undefined ? checked : { id, ...checked };
}

const replyActions: ReadonlySet<string> = new Set([
  'rst',
  'no-answer',
  'delay',
  'status',
  'split-body',
  'continuation',
  'interim',
  'trailers',
  'no-apns-id',
  'malformed',
  'push-promise',
  'oversized-data',
]);

export function isReplyAction(kind: FaultAction['kind']): boolean {
  return replyActions.has(kind);
}

function asObject(json: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new FaultScriptError(`${path}: expected an object`);
  }
  return json as Readonly<Record<string, unknown>>; // just checked
}

function checkFields(object: Readonly<Record<string, unknown>>, fields: Fields, path: string): void {
  checkNames(object, Object.keys(fields), path);
  for (const [name, value] of Object.entries(object)) checkValue(value, fields[name], `${path}.${name}`);
}

function checkNames(object: Readonly<Record<string, unknown>>, known: readonly string[], path: string): void {
  for (const name of Object.keys(object)) {
    if (!known.includes(name)) throw new FaultScriptError(`${path}.${name} is unknown; known: ${known.join(', ')}`);
  }
}

function checkValue(value: unknown, rule: FieldRule, path: string): void {
  if (Array.isArray(rule)) {
    if (!rule.includes(value))
      throw new FaultScriptError(`${path}: ${JSON.stringify(value)} is none of ${rule.join(', ')}`);
    return;
  }
  switch (rule) {
    case 'text':
      if (typeof value !== 'string') throw new FaultScriptError(`${path}: expected text`);
      return;
    case 'flag':
      if (typeof value !== 'boolean') throw new FaultScriptError(`${path}: expected true or false`);
      return;
    case 'counts':
      if (!Array.isArray(value) || !value.every(isCount))
        throw new FaultScriptError(`${path}: expected a list of numbers`);
      return;
    case 'stream':
      if (!isCount(value) && !goAwayIds.includes(String(value))) {
        throw new FaultScriptError(`${path}: expected a stream id or one of ${goAwayIds.join(', ')}`);
      }
      return;
    case 'steps':
      if (!Array.isArray(value)) throw new FaultScriptError(`${path}: expected a list`);
      for (const [index, step] of value.entries()) {
        checkFields(asObject(step, `${path}[${index}]`), stepFields, `${path}[${index}]`);
      }
      return;
    default:
      if (!isCount(value)) throw new FaultScriptError(`${path}: expected a whole number, 0 or more`);
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0; // isSafeInteger is true for numbers only
}
