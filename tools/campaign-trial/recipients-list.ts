// The list of a trial: recipients with three variables, one in a hundred of them wrong in one of ten ways, and what has to
// become of each line. A line and its fate follow from its number alone.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';

/** A way to be wrong: the line, and the code of its receipt. */
interface Wrong {
  readonly code: string;
  line(number: number): string;
}

const one = (number: number, fields: object = {}): string => JSON.stringify({ ...recipientOf(number), ...fields });

export const wrongs: readonly Wrong[] = [
  { code: 'local.not-json', line: (number) => one(number).slice(0, -2) },
  { code: 'local.missing-variable', line: (number) => one(number, { variables: { name: 'Ann', city: 'Ulm' } }) },
  {
    code: 'local.wrong-type',
    line: (number) => one(number, { variables: { name: null, city: 'Ulm', points: number } }),
  },
  { code: 'local.bad-device-token', line: (number) => one(number, { token: `${tokenOf(number).slice(0, 62)}xy` }) },
  { code: 'local.missing-token', line: (number) => JSON.stringify({ id: `r-${number}`, variables: {} }) },
  {
    code: 'local.payload-too-large',
    line: (number) => one(number, { variables: { name: 'n'.repeat(4096), city: 'Ulm', points: 1 } }),
  },
  { code: 'local.bad-id', line: (number) => one(number, { id: 'an id with spaces' }) },
  { code: 'local.unknown-field', line: (number) => one(number, { topic: 'com.example.other' }) },
  {
    code: 'local.lone-surrogate',
    line: (number) => one(number).replace('"Ann', String.raw`"\ud83d`),
  },
  // The one before it in the list.
  { code: 'local.duplicate-recipient', line: (number) => one(number - 1, { id: `r-${number}` }) },
];

/** One line in a hundred; the ten ways in turn. Numbers begin at 1. */
export function wrongOf(number: number): Wrong | null {
  return number % 100 === 0 ? wrongs[(number / 100 - 1) % wrongs.length] : null;
}

export function tokenOf(number: number): string {
  // Spread over all digits: an odd factor is a permutation of the 32-bit numbers.
  const spread = (Math.imul(number, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0');
  return `${spread}${number.toString(16).padStart(8, '0')}${'5ca1ab1e'.repeat(6)}`;
}

function recipientOf(number: number): object {
  const variables = { name: `Ann “${number}” Ünal`, city: number % 3 === 0 ? 'Ulm' : 'São Paulo', points: number };
  return { token: tokenOf(number), id: `r-${number}`, variables };
}

export const notification = {
  pushType: 'alert',
  payload: {
    aps: {
      alert: {
        title: 'Good morning, {{name}}',
        body: 'It is {{city}} day, and you have {{points}} points to spend until tonight.',
      },
      sound: 'default',
    },
    campaign: 'trial',
  },
};

export async function writeRecipients(path: string, count: number): Promise<void> {
  const file = createWriteStream(path);
  for (let from = 1; from <= count; from += 10_000) {
    let text = '';
    for (let number = from; number < Math.min(from + 10_000, count + 1); number++)
      text += `${wrongOf(number)?.line(number) ?? one(number)}\n`;
    if (!file.write(text)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
}
