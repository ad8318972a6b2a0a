// The JSON types as bits, and which of them a value is by its first byte.

export const JsonType = { string: 1, number: 2, boolean: 4, null: 8, object: 16, array: 32 } as const;

/** By the first byte of a value; 0 when no value begins so. */
export const typeAt: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => typeOfByte(String.fromCharCode(byte)));

function typeOfByte(first: string): number {
  if (/[-0-9]/.test(first)) return JsonType.number;
  switch (first) {
    case '"':
      return JsonType.string;
    case '{':
      return JsonType.object;
    case '[':
      return JsonType.array;
    case 't':
    case 'f':
      return JsonType.boolean;
    case 'n':
      return JsonType.null;
    default:
      return 0;
  }
}

/** Of a value that JSON.parse could have given. */
export function typeOf(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return JsonType.string;
    case 'number':
      return JsonType.number;
    case 'boolean':
      return JsonType.boolean;
    case 'object':
      if (value === null) return JsonType.null;
      return Array.isArray(value) ? JsonType.array : JsonType.object;
    default:
      return 0;
  }
}
