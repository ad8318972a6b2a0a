// The fields that stay the same from push to push, with slots for those that do not. Looked up once per generation of
// the dynamic table; afterwards a write copies a few cached octets and the values.
//
//   cached   | run | name | prefix | run | name | prefix | … | run |      run: stable fields, one octet each when warm
//   target   | run | name | length | prefix | value | run | …            name: kind and name of a slot's literal
//
// Cost of a warm write with a path of 74 octets and an id of 36: no allocation, about 25 octets by loop, 100 by words.
import { copyBytes } from './copy-bytes.ts';
import { copyWords } from './copy-words.ts';
import type { EncoderTable } from './encoder-table.ts';
import { fieldBytesMax, sizeUpdatesBytesMax } from './encoder.ts';
import type { HpackEncoder } from './encoder.ts';
import type { HeaderField, HeaderSlot } from './header-field.ts';
import { encodeInteger } from './integer.ts';
import { staticFieldIndex, staticNameIndex } from './static-table.ts';
import { entryBytes, entryOverheadBytes } from './table-size.ts';

/** One row of the plan a slot: where its parts end in the cached octets, and what comes before its value. */
const PlanColumn = { spanOffset: 0, runEnd: 1, nameEnd: 2, prefixEnd: 3, prefixBytes: 4 } as const;
const planStride = 5;

/** Instead of an end of the name: the name is to be inserted when the slot is first used. */
const notInserted = -1;

/**
 * The longest value (octets, without the prefix) that may be inserted for the sake of its name: apns-collapse-id has
 * 64. Longer ones go out as literals, and the next value tries again.
 */
const insertedValueBytesMax = 64;

/** Generation of a cache that must not be used. */
const stale = -1;

export class HeaderTemplate {
  /** Upper bound of what `write` writes besides the slot values, for reserving room. */
  readonly blockBytesMax: number;
  readonly #encoder: HpackEncoder;
  readonly #table: EncoderTable;
  readonly #fields: readonly (HeaderField | HeaderSlot)[];
  readonly #cached: Buffer;
  readonly #plan: Int32Array;
  #cachedEnd = 0;
  #generation = stale;

  constructor(encoder: HpackEncoder, fields: readonly (HeaderField | HeaderSlot)[]) {
    let bytesMax = sizeUpdatesBytesMax;
    let slots = 0;
    for (const field of fields) {
      bytesMax += fieldBytesMax(field.name, isSlot(field) ? (field.prefix ?? '') : field.value);
      if (isSlot(field)) slots++;
    }
    this.blockBytesMax = bytesMax;
    this.#encoder = encoder;
    this.#table = encoder.table;
    this.#fields = fields;
    this.#cached = Buffer.alloc(bytesMax);
    this.#plan = new Int32Array(slots * planStride);
  }

  /**
   * spans[at + 2k], spans[at + 2k + 1]: start and end of slot k's value in `bytes`; start < 0: the field is left out.
   * Values go out raw, without Huffman. Returns the position after.
   */
  write(target: Buffer, targetAt: number, bytes: Buffer, spans: Int32Array, at: number): number {
    if (this.#table.generation !== this.#generation) return this.#writeAnew(target, targetAt, bytes, spans, at);
    const cached = this.#cached;
    const plan = this.#plan;
    const sourceView = this.#encoder.sourceView.of(bytes);
    const targetView = this.#encoder.targetView.of(target);
    let from = 0;
    let out = targetAt;
    for (let row = 0; row < plan.length; row += planStride) {
      const spanAt = at + plan[row + PlanColumn.spanOffset];
      const start = spans[spanAt];
      if (start < 0) {
        out = copyBytes(cached, from, plan[row + PlanColumn.runEnd], target, out);
        from = plan[row + PlanColumn.prefixEnd];
        continue;
      }
      const nameEnd = plan[row + PlanColumn.nameEnd];
      if (nameEnd === notInserted) return this.#writeAnew(target, targetAt, bytes, spans, at);
      const end = spans[spanAt + 1];
      out = copyBytes(cached, from, nameEnd, target, out);
      out = encodeInteger(target, out, 7, 0, plan[row + PlanColumn.prefixBytes] + end - start);
      from = plan[row + PlanColumn.prefixEnd];
      out = copyBytes(cached, nameEnd, from, target, out);
      out = copyWords(bytes, sourceView, start, end, target, targetView, out);
    }
    out = copyBytes(cached, from, this.#cachedEnd, target, out);
    if (out > target.length) throw new RangeError('the field block does not fit in its target');
    return out;
  }

  /**
   * Looks everything up again, inserting what is missing, and fills the cache on the way. Every part goes into the
   * cache first and from there to the target. The cache serves only if nothing was inserted: otherwise it holds
   * literals that insert, and the write after this one finds the indexes.
   */
  #writeAnew(target: Buffer, targetAt: number, bytes: Buffer, spans: Int32Array, at: number): number {
    const encoder = this.#encoder;
    const table = this.#table;
    const cached = this.#cached;
    const plan = this.#plan;
    const generation = table.generation;
    const mayInsert = this.#shareTable();
    let out = encoder.encodeSizeUpdates(target, targetAt);
    let next = 0;
    let row = 0;
    for (const [position, field] of this.#fields.entries()) {
      const start = next;
      if (!isSlot(field)) {
        const indexing = field.indexing ?? 'incremental';
        const isRefused = indexing === 'incremental' && !mayInsert[position];
        next = encoder.encodeField(field.name, field.value, isRefused ? 'without' : indexing, cached, next);
        out = copyBytes(cached, start, next, target, out);
        continue;
      }

      const prefix = field.prefix ?? '';
      const valueStart = spans[at + 2 * field.slot];
      const valueEnd = spans[at + 2 * field.slot + 1];
      const isPresent = valueStart >= 0;
      const isNameMissing = mayInsert[position] && table.nameIndex(field.name) === 0;
      const isInserted = isNameMissing && isPresent && valueEnd - valueStart <= insertedValueBytesMax;
      const indexing = isInserted ? 'incremental' : field.indexing === 'never' ? 'never' : 'without';

      const nameEnd = encoder.encodeLiteralName(field.name, indexing, cached, next);
      next = nameEnd + cached.write(prefix, nameEnd, 'latin1');
      plan[row + PlanColumn.spanOffset] = 2 * field.slot;
      plan[row + PlanColumn.runEnd] = start;
      plan[row + PlanColumn.nameEnd] = isNameMissing ? notInserted : nameEnd;
      plan[row + PlanColumn.prefixEnd] = next;
      plan[row + PlanColumn.prefixBytes] = prefix.length;
      row += planStride;
      if (!isPresent) continue;

      out = copyBytes(cached, start, nameEnd, target, out);
      out = encodeInteger(target, out, 7, 0, prefix.length + valueEnd - valueStart);
      out = copyBytes(cached, nameEnd, next, target, out);
      out = copyBytes(bytes, valueStart, valueEnd, target, out);
      if (isInserted) table.insert(field.name, prefix + bytes.toString('latin1', valueStart, valueEnd));
    }
    this.#cachedEnd = next;
    this.#generation = table.generation === generation ? generation : stale;
    if (out > target.length) throw new RangeError('the field block does not fit in its target');
    return out;
  }

  /**
   * Who may be inserted, by position. Together they fit in the table, so that a template never evicts its own entries
   * in a circle; the rest are literals. Stable fields come before slots, for they save more.
   */
  #shareTable(): boolean[] {
    const mayInsert = this.#fields.map(() => false);
    let room = this.#table.bytesMax;
    for (const [position, field] of this.#fields.entries()) {
      if (isSlot(field) || (field.indexing ?? 'incremental') !== 'incremental') continue;
      if (staticFieldIndex(field.name, field.value) !== 0) continue;
      const bytes = entryBytes(field.name, field.value);
      mayInsert[position] = bytes <= room;
      if (mayInsert[position]) room -= bytes;
    }
    for (const [position, field] of this.#fields.entries()) {
      if (!isSlot(field) || field.indexing !== 'name' || staticNameIndex(field.name) !== 0) continue;
      const bytes = entryOverheadBytes + field.name.length + (field.prefix ?? '').length + insertedValueBytesMax;
      mayInsert[position] = bytes <= room;
      if (mayInsert[position]) room -= bytes;
    }
    return mayInsert;
  }
}

function isSlot(field: HeaderField | HeaderSlot): field is HeaderSlot {
  return 'slot' in field;
}
