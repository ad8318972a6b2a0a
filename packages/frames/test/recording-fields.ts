// Collects what a decoder reports, as strings.
import type { DecodedField, FieldSink, HpackDecoder, HpackFault } from '@carillon/frames';

export type Field = readonly [name: string, value: string];

export class RecordingFields implements FieldSink {
  readonly fields: Field[] = [];
  /** By position: the flags of the field. */
  readonly marks: { nameId: number; staticIndex: number; isNeverIndexed: boolean }[] = [];

  onField(field: DecodedField): void {
    const { nameId, staticIndex, isNeverIndexed } = field;
    this.fields.push([field.name(), field.value()]);
    this.marks.push({ nameId, staticIndex, isNeverIndexed });
  }
}

export function decodeBlock(decoder: HpackDecoder, block: Buffer): { fault: HpackFault | null; fields: Field[] } {
  const sink = new RecordingFields();
  // Somewhere inside a larger buffer, as a frame lies in a chunk.
  const bytes = Buffer.concat([Buffer.alloc(5, 0xee), block, Buffer.alloc(5, 0xee)]);
  const fault = decoder.decode(bytes, 5, 5 + block.length, sink);
  bytes.fill(0xee);
  return { fault, fields: sink.fields };
}
