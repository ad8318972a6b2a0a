// What a decoder makes of a block, in the form in which two decoders are compared.
import type { HpackDecoder } from '../../packages/frames/src/index.ts';

export type FieldPair = [name: string, value: string];
/** The fields and the table after a block, newest first; or why it was refused. */
export type Opinion = string | [fields: FieldPair[], table: FieldPair[]];

export function decodePairs(decoder: HpackDecoder, bytes: Buffer, start: number, end: number): Opinion {
  const fields: FieldPair[] = [];
  const fault = decoder.decode(bytes, start, end, { onField: (field) => fields.push([field.name(), field.value()]) });
  if (fault !== null) return fault.message;
  return [fields, decoder.entries().map(({ name, value }): FieldPair => [name, value])];
}
