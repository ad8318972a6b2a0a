// One complete request as both stacks hand it to the rules: header fields in wire order, duplicates kept.

export interface RequestField {
  readonly name: string;
  readonly value: string;
}

export interface PushRequest {
  readonly method: string;
  readonly path: string;
  /** Regular fields only; names in lower case. */
  readonly fields: readonly RequestField[];
  readonly bodyBytes: number;
}

export function fieldValue(request: PushRequest, name: string): string | null {
  for (const field of request.fields) if (field.name === name) return field.value;
  return null;
}
