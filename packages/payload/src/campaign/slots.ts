// Slots in the strings of a payload: `{{name}}` is where a recipient's variable goes. The payload's text is cut at its
// slots into fixed pieces, once for a campaign; what lies between slots goes out as it came in.
//
//   {"aps":{"alert":"Hi {{name}}","badge":"{{unread:number}}"}}
//   └──── piece ────────┘        └─ piece ─┘                └ piece
//
// Cold: it runs once a campaign, over a text that the scan has found right, and takes its time to say what is wrong where.

import { hexValue } from '../byte-classes.ts';
import { NotificationError } from '../model/notification.ts';
import { quote } from '@carillon/apns';

/** Ours: so many variables no text has, and each costs a look at every recipient. */
const variablesMax = 64;
/** Ours, as for job ids: a word or two. */
const variableNameCharsMax = 64;

export interface Slot {
  /** Index in `variables`. */
  readonly variable: number;
  /** `{{name:number}}`, a whole string: a JSON number takes the place of the string and its quotes. */
  readonly isNumber: boolean;
}

/** A payload's text, cut. Piece i goes before slot i; one piece more than slots. */
export interface CutPayload {
  readonly pieces: readonly Buffer[];
  readonly slots: readonly Slot[];
  /** Each name once, in the order of its first slot. */
  readonly variables: readonly string[];
}

const quoteMark = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

const slotText = /^ *([A-Za-z0-9_.-]+) *(?:: *(\w+) *)?$/;
const forbiddenNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** `text`: the payload, scanned and found right. Throws `NotificationError` that names the path of the string. */
export function cutAtSlots(text: Buffer): CutPayload {
  const walk = new Walk(text);
  walk.value(0, 'payload');
  return walk.end();
}

/** The bytes of a slot in a text that stands for all that the campaign will send: it is checked in their place. */
export function exampleOf({ pieces, slots }: CutPayload): Buffer {
  const parts: Buffer[] = [pieces[0]];
  for (const [number, slot] of slots.entries()) {
    parts.push(slot.isNumber ? exampleNumber : exampleText, pieces[number + 1]);
  }
  return Buffer.concat(parts);
}

// One octet each, the least that a value takes: a text that is too large with these is too large for everybody.
const exampleNumber = Buffer.from('1');
const exampleText = Buffer.from('x');

class Walk {
  readonly #text: Buffer;
  readonly #pieces: Buffer[] = [];
  readonly #slots: Slot[] = [];
  readonly #variables: string[] = [];
  /** Where the piece that is being gathered goes on, and what was gathered of it before. */
  #from = 0;
  #gathered: Buffer[] = [];

  constructor(text: Buffer) {
    this.#text = text;
  }

  end(): CutPayload {
    this.#endPiece(this.#text.length, this.#text.length);
    return { pieces: this.#pieces, slots: this.#slots, variables: this.#variables };
  }

  /** Returns the position after the value. */
  value(start: number, path: string): number {
    const text = this.#text;
    let at = this.#space(start);
    switch (text[at]) {
      case openBrace:
        return this.#object(at + 1, path);
      case openBracket: {
        at = this.#space(at + 1);
        for (let index = 0; text[at] !== closeBracket; index++) {
          at = this.#comma(this.value(at, `${path}[${index}]`));
        }
        return at + 1;
      }
      case quoteMark:
        return this.#string(at + 1, path);
      default:
        while (at < text.length && !endsWord.has(text[at])) at++;
        return at;
    }
  }

  #object(start: number, path: string): number {
    const text = this.#text;
    let at = this.#space(start);
    while (text[at] !== closeBrace) {
      const end = this.#endOfString(at + 1);
      const key = JSON.parse(text.toString('utf8', at, end)) as string; // a string by its quotes
      if (key.includes('{{')) {
        throw new NotificationError(`${path}.${shown(key)}`, 'a key cannot have a slot; values can');
      }
      at = this.#space(end) + 1; // after the colon
      at = this.#comma(this.value(at, `${path}.${shown(key)}`));
    }
    return at + 1;
  }

  /** From the byte after the opening quote. */
  #string(start: number, path: string): number {
    const end = this.#endOfString(start);
    const units = unitsOf(this.#text, start, end - 1);
    const { codes, starts } = units;
    for (let at = 0; at < codes.length; at++) {
      if (codes[at] !== openBrace || codes[at + 1] !== openBrace) continue;
      let slashes = 0;
      while (slashes < at && codes[at - slashes - 1] === backslash) slashes++;
      // Of the backslashes before, each pair is one backslash; one that is left over makes the braces a text.
      const kept = slashes >> 1;
      const isText = slashes % 2 === 1;
      if (isText) {
        this.#gather(starts[at - slashes + kept], starts[at]);
        at++;
        continue;
      }
      const close = closeOf(codes, at + 2);
      if (close < 0) throw new NotificationError(path, `{{ at character ${at + 1} has no }} after it; ${howToEscape}`);
      const name = String.fromCharCode(...codes.slice(at + 2, close));
      const slot = this.#slotOf(name, path);
      if (!slot.isNumber) {
        this.#endPiece(starts[at - slashes + kept], starts[close + 2]);
      } else if (at === 0 && close + 2 === codes.length) {
        this.#endPiece(start - 1, end);
      } else {
        throw new NotificationError(path, `{{${name}}} is not alone in its string; a number has to be`);
      }
      this.#slots.push(slot);
      at = close + 1;
    }
    return end;
  }

  #slotOf(inside: string, path: string): Slot {
    const match = slotText.exec(inside);
    const name = match?.[1] ?? '';
    if (match === null || name.length > variableNameCharsMax || forbiddenNames.has(name)) {
      throw new NotificationError(
        path,
        `{{${shown(inside)}}} is no slot: 1 to ${variableNameCharsMax} of A-Z a-z 0-9 _ . - name a variable; ${howToEscape}`,
      );
    }
    const type = match[2];
    if (type !== undefined && type !== 'number') {
      throw new NotificationError(path, `{{${shown(inside)}}}: only :number may follow the name of a variable`);
    }
    let variable = this.#variables.indexOf(name);
    if (variable < 0) variable = this.#variables.push(name) - 1;
    if (variable >= variablesMax) throw new NotificationError(path, `more than ${variablesMax} different variables`);
    return { variable, isNumber: type === 'number' };
  }

  /** The text from `skipFrom` to `goOn` is in no piece. */
  #gather(skipFrom: number, goOn: number): void {
    this.#gathered.push(this.#text.subarray(this.#from, skipFrom));
    this.#from = goOn;
  }

  #endPiece(end: number, goOn: number): void {
    this.#gather(end, goOn);
    this.#pieces.push(Buffer.concat(this.#gathered));
    this.#gathered = [];
  }

  #space(at: number): number {
    while (isSpace.has(this.#text[at])) at++;
    return at;
  }

  /** After an element: at its successor, or at what closes the whole. */
  #comma(start: number): number {
    const at = this.#space(start);
    return this.#text[at] === 0x2c ? this.#space(at + 1) : at;
  }

  /** From the byte after the opening quote to the one after the closing quote. */
  #endOfString(start: number): number {
    let at = start;
    while (this.#text[at] !== quoteMark) at += this.#text[at] === backslash ? 2 : 1;
    return at + 1;
  }
}

const isSpace: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);
const endsWord: ReadonlySet<number | undefined> = new Set([...isSpace, 0x2c, closeBrace, closeBracket]);
const howToEscape = 'the characters themselves are written \\{{ (in JSON \\\\{{)';

/** A string taken apart: what each escape or octet stands for, and where it begins; one start more, for the end. */
interface Units {
  readonly codes: readonly number[];
  readonly starts: readonly number[];
}

/** The inside of a string. Octets above ASCII stand for themselves: all that is looked for here is ASCII. */
function unitsOf(text: Buffer, start: number, end: number): Units {
  const codes: number[] = [];
  const starts: number[] = [];
  for (let at = start; at < end;) {
    starts.push(at);
    const byte = text[at];
    if (byte !== backslash) {
      codes.push(byte);
      at++;
    } else if (text[at + 1] === 0x75) {
      let unit = 0;
      for (let digit = at + 2; digit < at + 6; digit++) unit = unit * 16 + hexValue[text[digit]];
      codes.push(unit);
      at += 6;
    } else {
      // \n, \t and their kin matter to nobody here; \\ \" \/ stand for what follows.
      const letter = text[at + 1];
      codes.push(letter === backslash || letter === quoteMark || letter === 0x2f ? letter : 0);
      at += 2;
    }
  }
  starts.push(end);
  return { codes, starts };
}

/** Where the next `}}` begins, or -1. */
function closeOf(codes: readonly number[], from: number): number {
  for (let at = from; at + 1 < codes.length; at++) {
    if (codes[at] === closeBrace && codes[at + 1] === closeBrace) return at;
  }
  return -1;
}

/** For paths and messages: as much of a key as is needed to find it. */
function shown(text: string): string {
  return /^[\w-]{1,40}$/.test(text) ? text : quote(text);
}
