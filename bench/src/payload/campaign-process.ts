/**
 * A campaign through the whole engine: a list's bytes, recipients prepared on the sending thread and remembered, one
 * receipt object a push. Every device token is another: duplicates are looked for, and none is found.
 */
import type { CampaignNotification } from '@carillon/engine';
import { serveTask } from '../load/client.ts';
import { countReceipts, engineFor } from '../load/engine-for.ts';
import { deviceTokens, payloadOf, tokenCount } from '../load/traffic.ts';

/** 64 KiB hold some 300 to 700: as the engine cuts a file. A divisor of `tokenCount`. */
const linesPerChunk = 400;

interface CampaignWork {
  readonly notification: CampaignNotification;
  lineOf(number: number, token: string): string;
}

const works: Readonly<Record<string, CampaignWork>> = {
  fixed: {
    notification: { payload: payloadOf(0) },
    lineOf: (_number, token) => token,
  },
  'three-variables': {
    notification: { payload: withSlots() },
    lineOf: (number, token) => {
      const { article, match } = payloadOf(number);
      return `{"token":"${token}","id":"job-${number}","vars":{"minute":"9","article":"${article}","match":"${match}"}}`;
    },
  },
};

/** The payload of every bench, with slots where it differs. */
function withSlots(): object {
  const { aps } = payloadOf(0);
  const title = aps.alert.title.replace('9', '{{minute}}');
  const body = aps.alert.body.replace('0000', '{{article}}');
  return { aps: { ...aps, alert: { title, body } }, match: '{{match}}', article: '{{article}}' };
}

/** The same lines again and again; the first digits of each device token say which time it is. */
function* chunksOf(work: CampaignWork, count: number): Generator<Buffer> {
  const tokens = deviceTokens();
  const chunks: { bytes: Buffer; tokensAt: number[] }[] = [];
  for (let from = 0; from < tokenCount; from += linesPerChunk) {
    const lines = Array.from({ length: linesPerChunk }, (_, at) => work.lineOf(from + at, tokens[from + at]));
    const bytes = Buffer.from(`${lines.join('\n')}\n`);
    const tokensAt = lines.map((_, at) => bytes.indexOf(tokens[from + at]));
    chunks.push({ bytes, tokensAt });
  }
  for (let sent = 0; sent < count; sent += linesPerChunk) {
    const round = Buffer.from(String(Math.floor(sent / tokenCount)).padStart(4, '0'));
    const { bytes, tokensAt } = chunks[(sent / linesPerChunk) % chunks.length];
    for (const at of tokensAt) {
      for (let digit = 0; digit < round.length; digit++) bytes[at + digit] = round[digit];
    }
    yield bytes;
  }
}

serveTask(async (task, meter) => {
  const work = works[process.env['CARILLON_BENCH_CAMPAIGN'] ?? ''];
  if (work === undefined) throw new Error('CARILLON_BENCH_CAMPAIGN names no work');
  meter.begin();
  // A cap that is never reached, as in the engine's own row: every push passes the token bucket all the same.
  const engine = engineFor(task, { ratePerSecond: 100_000_000 });
  const { notification } = work;
  const recipients = chunksOf(work, task.pushes);
  await countReceipts(engine.campaign({ notification, recipients, total: { recipients: task.pushes } }), meter);
  await engine.drain();
});
