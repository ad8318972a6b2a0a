// The notifications of the demo: news, scores, parcels and messages, each one different, for 20,000 devices.
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const devices = 20_000;
// Lines that are written at once: some 200 kB.
const linesPerChunk = 500;

/** Writes `count` jobs to `path`. The same jobs each time. */
export async function writeDemoJobs(path: string, count: number, signal: AbortSignal): Promise<void> {
  await pipeline(Readable.from(chunks(count)), createWriteStream(path, { mode: 0o600 }), { signal });
}

function* chunks(count: number): Generator<string> {
  for (let first = 0; first < count; first += linesPerChunk) {
    let text = '';
    for (let i = first; i < Math.min(count, first + linesPerChunk); i++) text += `${JSON.stringify(job(i))}\n`;
    yield text;
  }
}

const kinds = ['news', 'score', 'parcel', 'message'] as const;
const towns = ['Zürich', 'Kraków', 'Lisbon', '東京', 'São Paulo', 'Reykjavík', 'Nairobi', 'Montréal'];
const names = ['Ada', 'Björn', 'Chloé', 'Đorđe', 'Emre', 'Fátima', 'Grace', 'Hồng'];

function job(i: number): object {
  return { id: `demo-${i}`, token: deviceToken(i), payload: payload(i) };
}

/** Where devices have several notifications, other devices come in between, as in life. */
function deviceToken(i: number): string {
  return createHash('sha256')
    .update(`device ${i % devices}`)
    .digest('hex');
}

function payload(i: number): object {
  const town = towns[i % towns.length];
  const name = names[(i >> 3) % names.length];
  const badge = i % 100;
  switch (kinds[i % kinds.length]) {
    case 'news':
      return {
        aps: {
          alert: { title: `News from ${town}`, body: `Story ${i}: ${name} opens the new bridge 🌉` },
          sound: 'default',
          badge,
        },
        story: i,
        url: `https://news.example.com/story/${i}`,
      };
    case 'score':
      return {
        aps: {
          alert: `${town} ${i % 7}:${i % 5} – minute ${i % 90}`,
          'thread-id': `match-${i % 400}`,
          'relevance-score': (i % 10) / 10,
        },
        match: i % 400,
      };
    case 'parcel':
      return {
        aps: { alert: { 'loc-key': 'PARCEL_ARRIVES', 'loc-args': [name, `${8 + (i % 10)}:30`] }, badge },
        parcel: { number: `P${i}`, from: town, stops: i % 12 },
      };
    case 'message':
      return {
        aps: {
          alert: { title: name, subtitle: town, body: `Message ${i}: see you at ${i % 24} o’clock?` },
          'mutable-content': 1,
          badge,
        },
        chat: `c-${i % 5000}`,
        sentAt: 1_764_000_000 + i,
      };
  }
}
