// From our names to Apple's: `threadId` to `thread-id`. Fields that are not given do not appear.

export type WireNames<Fields> = { readonly [Field in keyof Required<Fields>]: string };

export function withWireNames<Fields extends object>(
  fields: Fields,
  names: WireNames<Fields>,
  write: (value: unknown, field: keyof Fields) => unknown = (value) => value,
): Record<string, unknown> {
  const wire: Record<string, unknown> = {};
  // The order of the table, so that payloads of one kind look alike.
  for (const field of Object.keys(names) as (keyof Fields & string)[]) {
    const value: unknown = fields[field];
    if (value !== undefined) wire[names[field]] = write(value, field);
  }
  return wire;
}
