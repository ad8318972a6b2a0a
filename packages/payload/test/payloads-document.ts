// The tables of docs/PAYLOADS.md, made from the code: the test holds the page to them.

import { refusalCodes, warningCodes } from '../src/index.ts';
import { alertSchema, apsSchema, type KeyRule, localisedTextRules, soundRules } from '../src/checks/aps-schema.ts';
import { JsonType } from '../src/json-type.ts';

const typeNames = Object.entries(JsonType);
const meanings: Readonly<Record<KeyRule['meantFor'], string>> = {
  any: '',
  'live activities': 'Live Activities',
  'widgets and controls': 'widgets, controls',
};

export function codeTables(): string {
  return [
    table(['refused', 'what it says'], Object.entries(refusalCodes).map(codeRow)),
    table(['sent, with a warning', 'what it says'], Object.entries(warningCodes).map(codeRow)),
  ].join('\n\n');
}

export function keyTable(): string {
  const rows = [
    ...rowsOf('aps', apsSchema),
    ...rowsOf('aps.alert', alertSchema),
    ...rowsOf('aps.alert.title, .body as objects', localisedTextRules),
    ...rowsOf('aps.sound', soundRules),
  ];
  return table(['key', 'types', 'right', 'means something in'], rows);
}

function codeRow([code, sentence]: readonly [string, string]): readonly string[] {
  // Two underscores are emphasis in Markdown.
  return [`\`${code}\``, sentence.replace('__proto__', '`__proto__`')];
}

function rowsOf(path: string, schema: Readonly<Record<string, KeyRule>>): (readonly string[])[] {
  return Object.entries(schema).map(([name, { types, wanted, meantFor, value }]) => {
    const named = typeNames.filter(([, bit]) => (types & bit) !== 0).map(([type]) => type);
    if (value === 'text') named.push('object in Live Activities');
    return [`\`${name}\` of \`${path}\``, named.join(', '), wanted, meanings[meantFor]];
  });
}

/** As the formatter writes it: columns as wide as their widest cell. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}
