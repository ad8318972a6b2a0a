// Payloads and job lines against JSON.parse, objects against lines, and the splitter against a plain reading of the
// lines, however the bytes are chunked.
//
// An execution is one text, line, object or stream of chunks.
import { isUtf8 } from 'node:buffer';
import { BatchBuilder, InlinePreparer, LineSplitter, RecordField } from '../../packages/payload/src/index.ts';
import type { JobObject, LinePiece } from '../../packages/payload/src/index.ts';
import { payloadLine, token } from '../../packages/payload/test/batches.ts';
import { agree, payloadPieces, payloadSeeds, prepareLine } from '../../packages/payload/test/json-agreement.ts';
import { agreeOnRules } from '../../packages/payload/test/judgements.ts';
import type { Payload } from '../../packages/payload/test/judgements.ts';
import { controlBytes } from './fuzz-input.ts';
import type { FuzzInput } from './fuzz-input.ts';
import { FuzzFault, require } from './fuzz-target.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import type { Random } from './random.ts';

/** The lowest bits of the control; the others are dice for the chunks. */
const Mode = { payload: 0, line: 1, object: 2, lines: 3 } as const;
const lineBytesMax = 40;
const pieceBytesMax = 64;
const lineFeed = 0x0a;
/** A job with every field that goes with a device token. */
const jobSeed = Buffer.from(
  `{"id":"order-4711","app":"news","token":"${token}","pushType":"alert","topic":"com.example.news","priority":10,` +
    '"expiration":1764000000,"collapseId":"score","deadline":"2026-11-23T12:00:00Z","onAmbiguous":"resend",' +
    '"apnsId":"8f14e45f-ceea-467a-9575-000000000001","payload":{"aps":{"alert":"Hi"},"x":[1,2.5e3,null]}}',
);
const broadcastSeed = Buffer.from(
  '{"id":"goal-3","app":"sports","channel":"dHN0LXNyY2gtY2hhbm5lbA==","topic":"com.example.sports","priority":5,' +
    '"expiration":0,"payload":{"aps":{"event":"update","content-state":{"home":3}}}}',
);
const jobSeeds = [jobSeed, broadcastSeed];
const seeds = payloadSeeds.map((seed) => Buffer.from(seed));
/** What Apple's tables have rules for, and what breaks these, or nearly. */
const ruleSeeds = [
  '{"aps":{"alert":{"title-loc-key":"K","title-loc-args":["a","b"],"body":"B"},"badge":3,"sound":{"critical":1,"volume":0.5}}}',
  '{"aps":{"event":"start","timestamp":1795435200,"content-state":{},"attributes-type":"A","attributes":{},"alert":{"body":"B"}}}',
  '{"aps":{"content-available":1,"mutable-content":1,"interruption-level":"active","relevance-score":0.25,"url-args":[]}}',
].map((seed) => Buffer.from(seed));
const rulePieces = [
  '"badge":',
  '"event":"start",',
  '"loc-args":["x"],',
  '"content-available":1,',
  '"mine":1,',
  '1e3',
  '[1]',
];
const pushTypes = ['alert', 'background', 'liveactivity', 'widgets', 'voip', 'mdm', 'hologram'];
const pieces = [...payloadPieces, ...rulePieces].map((piece) => Buffer.from(piece));
const allPieces = Buffer.concat(pieces);

export class NdjsonTarget implements FuzzTarget {
  readonly #preparer = new InlinePreparer();
  readonly #builder = new BatchBuilder();
  readonly #counts: Record<string, number> = {};

  generate(random: Random, input: FuzzInput): void {
    const mode = random.below(8);
    input.begin((random.next() & ~3) | (mode < 4 ? Mode.payload : mode - 4));
    if (mode === Mode.lines + 4) return putLines(random, input);
    const objectSeeds = random.once(2) ? ruleSeeds : seeds;
    const seed = random.pick(mode === Mode.line + 4 ? jobSeeds : mode === Mode.object + 4 ? objectSeeds : seeds);
    input.putBytes(seed, 0, seed.length);
    if (random.once(6)) return input.mutate(random, controlBytes, allPieces);
    for (let edits = 1 + random.below(3); edits > 0; edits--) replaceByPiece(random, input);
  }

  run(bytes: Buffer, end: number): number {
    if (end < controlBytes) return 1;
    const control = bytes.readUInt32BE(0);
    const body = bytes.subarray(controlBytes, end);
    switch (control & 3) {
      case Mode.payload:
        this.#judgePayload(body);
        break;
      case Mode.line:
        this.#judgeLine(body);
        break;
      case Mode.object:
        this.#judgeObject(body, control >>> 2);
        break;
      default:
        this.#splitTwice(body, control);
    }
    return 1;
  }

  close(): void {
    // Nothing was started.
  }

  reached(): string {
    return Object.entries(this.#counts)
      .map(([what, count]) => `${what} ${count}`)
      .join(', ');
  }

  #count(what: string): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
  }

  #judgePayload(body: Buffer): void {
    // It would end the line; the splitter's mode has those.
    for (let at = body.indexOf(lineFeed); at >= 0; at = body.indexOf(lineFeed, at)) body[at] = 0x20;
    if (isUtf8(body)) return this.#count(`payload ${agree(body.toString('utf8'))}`);
    const line = Buffer.concat([Buffer.from(payloadLine('!').split('!')[0]), body, Buffer.from('}')]);
    require(this.#prepare(line) === null, 'accepted bytes that are not UTF-8');
    this.#count('payload not UTF-8');
  }

  /** A whole job line: accepted only when JSON.parse accepts it, and with the same payload. */
  #judgeLine(body: Buffer): void {
    if (body.includes(lineFeed)) return this.#count('line of several');
    const payload = this.#prepare(body);
    if (payload === null) return this.#count('line refused');
    const job = JSON.parse(body.toString('utf8').replace(/^\ufeff/, '')) as { payload: unknown };
    const expected = typeof job.payload === 'string' ? (JSON.parse(job.payload) as unknown) : job.payload;
    const [ours, theirs] = [JSON.stringify(JSON.parse(payload)), JSON.stringify(expected)];
    require(ours === theirs, `the payload ${theirs} became ${ours}`);
    this.#count('line accepted');
  }

  /** The payload of one record, or null. Blank lines are neither. */
  #prepare(line: Buffer): string | null {
    const batch = this.#preparer.prepare(line, 1);
    require(batch.lines === (line.length === 0 ? 0 : 1), `${batch.lines} lines of one`);
    require(batch.count + batch.rejections.length <= 1, 'more than one outcome of one line');
    if (batch.count === 0) return null;
    return batch.bytes.toString('utf8', batch.index[RecordField.bodyStart], batch.index[RecordField.bodyEnd]);
  }

  /** An object is judged as the line that JSON.stringify makes of it. */
  #judgeObject(body: Buffer, dice: number): void {
    let payload: unknown;
    try {
      payload = JSON.parse(body.toString('utf8'));
    } catch {
      return this.#count('object that is none');
    }
    // 1e999 is Infinity to JSON.parse, and no number to JSON.stringify: below.
    if (isObject(payload) && !/\d[eE]\+?\d{3}/.test(body.toString('latin1'))) {
      const pushType = pushTypes[dice % pushTypes.length] ?? 'alert';
      this.#count(`rules: ${agreeOnRules(payload, pushType)}`);
    }
    // What JSON.parse makes fits the type but for its values, which are what is tested.
    const isAccepted = this.#builder.addObject({ token, payload } as JobObject, 1);
    const batch = this.#builder.take();
    const text = JSON.stringify(payload);
    const prepared = prepareLine(payloadLine(text));
    if (isAccepted) {
      const sent = batch.bytes.toString('utf8', batch.index[RecordField.bodyStart], batch.index[RecordField.bodyEnd]);
      const expected = typeof payload === 'string' ? payload : text;
      require(sent === expected || sent === expected.trim(), `the object ${text} became ${sent}`);
      require(typeof prepared === 'string', `an object is accepted that is refused as a line: ${text}`);
      return this.#count('object accepted');
    }
    const { code } = batch.rejections[0];
    // 1e999 is Infinity to JSON.parse, and null to JSON.stringify.
    const isOurs = code === 'local.not-serialisable' || typeof prepared !== 'string';
    require(isOurs, `an object is refused with ${code} that is accepted as a line: ${text}`);
    this.#count('object refused');
  }

  #splitTwice(body: Buffer, control: number): void {
    const expected = readPlainly(body);
    const whole = split([body]);
    if (whole !== expected) throw new FuzzFault(`split ${whole}\n, the lines are ${expected}`);
    const chunks: Buffer[] = [];
    let dice = control;
    for (let at = 0; at < body.length;) {
      dice = Math.imul(dice, 1_664_525) + 1_013_904_223;
      const next = at + 1 + ((dice >>> 10) % (1 << ((control >>> 2) & 7)));
      chunks.push(body.subarray(at, next));
      at = next;
    }
    const inChunks = split(chunks);
    if (inChunks !== expected) throw new FuzzFault(`in chunks ${inChunks}\n, the lines are ${expected}`);
    this.#count('stream split');
  }
}

function isObject(value: unknown): value is Payload {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Takes some octets out and puts a piece of JSON in. */
function replaceByPiece(random: Random, input: FuzzInput): void {
  const at = controlBytes + random.below(input.length - controlBytes + 1);
  const cut = Math.min(input.length - at, random.once(3) ? random.below(12) : random.below(2));
  const piece = random.once(4) ? allPieces.subarray(0, 0) : random.pick(pieces);
  input.bytes.copyWithin(at + piece.length, at + cut, input.length);
  piece.copy(input.bytes, at);
  input.length += piece.length - cut;
}

/** Lines about as long as the limit, and far longer. */
function putLines(random: Random, input: FuzzInput): void {
  for (let count = random.below(12); count > 0; count--) {
    const length = random.once(3) ? 36 + random.below(8) : random.below(random.once(6) ? 200 : 12);
    for (let put = 0; put < length; put++) input.put8(0x61 + (put % 26));
    if (count > 1 || random.once(2)) input.put8(lineFeed);
  }
}

/** Every line by its number, and `-` for one that is too long. */
function readPlainly(body: Buffer): string {
  const lines = body.toString('latin1').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line, at) => `${at + 1}:${line.length > lineBytesMax ? '-' : line}`).join('\n');
}

/** The same of the splitter's pieces. A line that came whole may be too long: the preparer refuses it. */
function split(chunks: readonly Buffer[]): string {
  const splitter = new LineSplitter({ lineBytesMax, pieceBytesMax });
  const lines: string[] = [];
  const read = (found: Iterable<LinePiece>): void => {
    for (const piece of found) {
      if (piece.kind === 'rejected') {
        lines.push(`${piece.rejection.line}:-`);
        continue;
      }
      const texts = piece.bytes.toString('latin1').split('\n');
      if (texts.at(-1) === '') texts.pop();
      require(texts.length === piece.lines, `a piece of ${texts.length} lines says ${piece.lines}`);
      require(piece.bytes.length <= pieceBytesMax + lineBytesMax, 'a piece is too large');
      for (const [at, text] of texts.entries()) {
        lines.push(`${piece.firstLine + at}:${text.length > lineBytesMax ? '-' : text}`);
      }
    }
  };
  for (const chunk of chunks) {
    const reused = Buffer.from(chunk);
    read(splitter.split(reused));
    reused.fill(0xee);
    require(splitter.heldBytes <= lineBytesMax, 'more than a line is held');
  }
  read(splitter.end());
  return lines.join('\n');
}
