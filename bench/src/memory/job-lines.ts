/**
 * NDJSON of any number of different jobs, made as it is asked for: each line has an id, a device token and an article of
 * its own. A line costs some 40 ns, so that the source is no part of what is measured.
 */
import { payloadText } from '../load/traffic.ts';

/** 64 KiB, as a file is read. */
const linesPerChunk = 168;
const idDigits = 8;
const tokenDigits = 64;
/** Of a token; the others are the same in all. */
const ownTokenDigits = 16;

const zero = 0x30;
const hexDigits = Buffer.from('0123456789abcdef');

/** `count` lines of 389 octets, up to 168 in a chunk. */
export function* jobLines(count: number): Generator<Buffer, void, undefined> {
  const line = Buffer.from(
    `{"id":"job-${'0'.repeat(idDigits)}","token":"${'c'.repeat(tokenDigits)}","payload":${payloadText(0)}}\n`,
  );
  const idAt = line.indexOf('job-') + 4;
  const tokenAt = line.indexOf('c'.repeat(tokenDigits));
  const articleAt = line.indexOf('"article":"') + 11;
  const template = Buffer.concat(Array.from({ length: linesPerChunk }, () => line));
  for (let from = 0; from < count; from += linesPerChunk) {
    const lines = Math.min(linesPerChunk, count - from);
    const chunk = Buffer.allocUnsafeSlow(lines * line.length);
    template.copy(chunk, 0, 0, chunk.length);
    for (let at = 0; at < lines; at++) {
      const start = at * line.length;
      writeDecimal(chunk, start + idAt, idDigits, from + at);
      writeToken(chunk, start + tokenAt, from + at);
      writeDecimal(chunk, start + articleAt, 4, (from + at) % 10_000);
    }
    yield chunk;
  }
}

function writeDecimal(bytes: Buffer, start: number, digits: number, number: number): void {
  for (let at = start + digits - 1, rest = number; at >= start; at--) {
    const tenth = Math.floor(rest / 10);
    bytes[at] = zero + (rest - 10 * tenth);
    rest = tenth;
  }
}

function writeToken(bytes: Buffer, start: number, number: number): void {
  // Odd factors: each is one-to-one on 32 bits, so no two numbers give one token.
  let low = Math.imul(number, 0x9e37_79b1);
  let high = Math.imul(number ^ 0x2545_f491, 0x85eb_ca6b);
  for (let at = start; at < start + ownTokenDigits; at += 2) {
    bytes[at] = hexDigits[low & 15];
    bytes[at + 1] = hexDigits[high & 15];
    low >>>= 4;
    high >>>= 4;
  }
}
