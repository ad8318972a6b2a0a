// One JSON line of pino → one line for people: time, level, message, then the other fields as name=value.

const colours: Readonly<Record<string, number>> = { trace: 90, debug: 90, info: 36, warn: 33, error: 31, fatal: 31 };
// Control characters of a terminal, C1 included: a gateway's text shall not move the cursor.
const control = /[\u0000-\u001f\u007f-\u009f]/g;

/** Clears the line first: the progress bar may be on it, and draws itself again below. */
export function readableLine(json: string): string {
  const { time, level, msg, ...fields } = JSON.parse(json) as Record<string, unknown>; // pino wrote it
  const name = readable(level);
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${readable(value)}`);
  const says = `${readable(msg ?? '')}${rest.join('')}`;
  return `\r\u001b[K${readable(time).slice(11, 19)} \u001b[${colours[name] ?? 0}m${name.padEnd(5)}\u001b[0m ${says}\n`;
}

function readable(value: unknown): string {
  return (typeof value === 'string' ? value : JSON.stringify(value)).replace(control, ' ');
}
