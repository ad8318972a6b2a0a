// The bytes of one case: written by a generator, mutated in place, read by a target. One buffer serves a whole run.
//
//   | control, 4 octets | body |       control: switches and dice of the target; the body is what shrinks
import type { Random } from './random.ts';

export const controlBytes = 4;
const inputBytesMax = 65_536;

/** Numbers at which lengths, indexes and windows change their meaning. */
const edges = [
  0, 1, 2, 0x3f, 0x40, 0x7f, 0x80, 0xfe, 0xff, 0x3fff, 0x4000, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff,
];

export class FuzzInput {
  readonly bytes: Buffer = Buffer.alloc(inputBytesMax);
  length = 0;
  readonly #moved: Buffer = Buffer.alloc(inputBytesMax);

  begin(control: number): void {
    this.length = 0;
    this.put32(control);
  }

  /** What does not fit is left out: a case may end anywhere. */
  put8(octet: number): void {
    if (this.length < inputBytesMax) this.bytes[this.length++] = octet;
  }

  put16(value: number): void {
    this.put8(value >>> 8);
    this.put8(value);
  }

  put24(value: number): void {
    this.put8(value >>> 16);
    this.put16(value);
  }

  put32(value: number): void {
    this.put16(value >>> 16);
    this.put16(value);
  }

  putBytes(source: Buffer, start: number, end: number): void {
    if (end - start > 40) this.length += source.copy(this.bytes, this.length, start, end);
    else for (let at = start; at < end; at++) this.put8(source[at]);
  }

  putText(text: string): void {
    this.length += this.bytes.write(text, this.length, 'latin1');
  }

  putRandom(random: Random, count: number): void {
    for (let put = 0; put < count; put++) this.put8(random.next());
  }

  /** A few edits anywhere from `from` on; `donor` lends pieces. */
  mutate(random: Random, from: number, donor: Buffer): void {
    for (let edits = 1 + random.below(4); edits > 0 && this.length > from; edits--) {
      const at = from + random.below(this.length - from);
      switch (random.below(9)) {
        case 0:
          this.bytes[at] = random.next();
          break;
        case 1:
          this.bytes[at] ^= 1 << random.below(8);
          break;
        case 2:
          this.bytes[at] = random.pick(edges);
          break;
        case 3:
          this.bytes[at] += random.once(2) ? 1 : -1;
          break;
        case 4:
          this.#overwrite(at, random.pick(edges), 1 + random.below(4));
          break;
        case 5:
          this.#remove(at, 1 + random.below(random.once(4) ? 64 : 4));
          break;
        case 6:
          this.#insert(at, this.bytes, from + random.below(this.length - from), 1 + random.below(32));
          break;
        case 7:
          if (donor.length > 0) this.#insert(at, donor, random.below(donor.length), 1 + random.below(32));
          break;
        default:
          if (random.once(4)) this.length = at;
      }
    }
  }

  #overwrite(at: number, value: number, octets: number): void {
    for (let put = 0; put < octets && at + put < this.length; put++) {
      this.bytes[at + put] = value >>> (8 * (octets - 1 - put));
    }
  }

  #remove(at: number, count: number): void {
    const end = Math.min(this.length, at + count);
    this.bytes.copyWithin(at, end, this.length);
    this.length -= end - at;
  }

  #insert(at: number, source: Buffer, start: number, count: number): void {
    const limit = source === this.bytes ? this.length : source.length;
    const taken = Math.min(count, limit - start, inputBytesMax - this.length);
    source.copy(this.#moved, 0, start, start + taken);
    this.bytes.copyWithin(at + taken, at, this.length);
    this.#moved.copy(this.bytes, at, 0, taken);
    this.length += taken;
  }
}
