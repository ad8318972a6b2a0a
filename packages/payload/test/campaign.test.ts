import { parseDeviceToken } from '@carillon/apns';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  alert,
  type CampaignNotification,
  compileNotification,
  NotificationError,
  parseNotification,
  type PreparedBatch,
  RecipientsBuilder,
  TokenSet,
} from '../src/index.ts';
import { readRecords } from './batches.ts';

function tokenOf(number: number): string {
  return `c0ffee${number.toString(16).padStart(58, '0')}`;
}

interface Options {
  readonly keeps?: 'tokens' | 'fingerprints';
  readonly tokensMax?: number;
  readonly isSettled?: (line: number) => boolean;
}

function builderFor(notification: CampaignNotification, options: Options = {}): RecipientsBuilder {
  const { keeps, tokensMax = 1000, isSettled } = options;
  return new RecipientsBuilder(compileNotification(notification), {
    tokens: keeps === undefined ? null : new TokenSet({ keeps, tokensMax }),
    ...(isSettled === undefined ? {} : { isSettled }),
  });
}

function batchOf(notification: CampaignNotification, recipients: readonly unknown[], options?: Options): PreparedBatch {
  const builder = builderFor(notification, options);
  for (const recipient of recipients) builder.addRecipient(recipient);
  return builder.take();
}

/** Texts are lines as they are. */
function batchOfLines(notification: CampaignNotification, lines: readonly unknown[], options?: Options): PreparedBatch {
  const builder = builderFor(notification, options);
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  builder.begin(Buffer.from(text), 1);
  while (!builder.addLines(3));
  return builder.take();
}

function faultOf(notification: unknown): NotificationError {
  try {
    compileNotification(notification as CampaignNotification);
  } catch (error) {
    if (error instanceof NotificationError) return error;
    throw error;
  }
  throw new Error('it was compiled');
}

const hello: CampaignNotification = { payload: { aps: { alert: 'Hello {{name}}' } } };

describe('A compiled notification', () => {
  it('without slots is one payload that all records share', () => {
    const notification = { ...alert({ alert: 'Hi', sound: 'default' }), collapseId: 'goal', expiration: 1_800_000_000 };
    const batch = batchOf(notification, [1, 2, 3].map(tokenOf));
    const records = readRecords(batch);
    expect(records.map(({ token }) => token)).toEqual([1, 2, 3].map(tokenOf));
    expect(new Set(records.map(({ apnsId }) => apnsId)).size).toBe(3);
    for (const record of records) {
      expect(record).toMatchObject({
        payload: '{"aps":{"alert":"Hi","sound":"default"}}',
        collapseId: 'goal',
        expiration: '1800000000',
        pushType: 'alert',
        priority: 10,
        isIdGiven: false,
      });
      expect(record.id).toBe(record.apnsId);
    }
    const starts = new Set(Array.from({ length: 3 }, (_, k) => batch.index[k * 16 + 8]));
    expect(starts.size).toBe(1);
    // One payload, and for each recipient its token and apns-id.
    expect(batch.bytes.length).toBe(40 + 4 + 10 + 3 * (64 + 36));
  });

  it('keeps head, deadline and the word on doubt of its job', () => {
    const deadline = '2030-01-01T00:00:00Z';
    const notification = { ...hello, topic: 'com.example.other', pushType: 'alert', priority: 5, deadline } as const;
    const [record] = readRecords(
      batchOf({ ...notification, onAmbiguous: 'report' }, [{ token: tokenOf(1), id: 'a', variables: { name: 'Ann' } }]),
    );
    expect(record).toMatchObject({
      topic: 'com.example.other',
      priority: 5,
      deadline: Date.parse(deadline),
      isReported: true,
      isIdGiven: true,
      id: 'a',
      payload: '{"aps":{"alert":"Hello Ann"}}',
    });
  });

  it.each([
    [{ payload: 7 }, 'payload', /object/],
    [{ payload: '{"aps":' }, 'payload', /not JSON/],
    [{ payload: { aps: { alert: 'x'.repeat(4096) } } }, 'payload', /4096/],
    [{ ...hello, token: tokenOf(1) }, 'token', /recipients/],
    [{ ...hello, apnsId: 'x' }, 'apnsId', /its own/],
    [{ ...hello, channel: 'x' }, 'channel', /broadcast/],
    [{ ...hello, pushType: 'Alert' }, 'pushType', /alert/],
    [{ ...hello, collapseId: 'game-{{name}}' }, 'collapseId', /payload only/],
    [{ ...hello, titel: 'x' }, 'notification', /titel/],
    [{ ...hello, truncate: true }, 'truncate', /not shortened/],
    [{ payload: { aps: { alert: 'Hello {{name' } } }, 'payload.aps.alert', /no }} after it/],
    [{ payload: { aps: { alert: '{{ first name }}' } } }, 'payload.aps.alert', /is no slot/],
    [{ payload: { aps: { alert: '{{constructor}}' } } }, 'payload.aps.alert', /is no slot/],
    [{ payload: { aps: { alert: '{{name|upper}}' } } }, 'payload.aps.alert', /is no slot/],
    [{ payload: { aps: { alert: '{{{name}}}' } } }, 'payload.aps.alert', /is no slot/],
    [{ payload: { aps: { alert: '{{n:date}}' } } }, 'payload.aps.alert', /:number/],
    [{ payload: { list: ['a', 'n {{n:number}}'] } }, 'payload.list[1]', /alone in its string/],
    [{ payload: { 'to {{name}}': 1 } }, 'payload."to {{name}}"', /key/],
    [null, 'notification', /object/],
  ])('%j is refused at %s', (notification, path, problem) => {
    const fault = faultOf(notification);
    expect(fault.path).toBe(path);
    expect(fault.message).toMatch(problem);
  });

  it('is checked as a whole: not even the shortest values make it fit', () => {
    expect(faultOf({ payload: { aps: { alert: `${'x'.repeat(4090)}{{name}}` } } }).message).toMatch(/4096/);
  });
});

describe('A slot', () => {
  it.each([
    ['{{name}}', 'Ann'],
    ['{{ name }}, {{name}}!', 'Ann, Ann!'],
    ['\\{{name}}', '{{name}}'],
    ['\\\\{{name}}', '\\Ann'],
    ['\\\\\\{{name}}', '\\{{name}}'],
    ['a\\b{name}}', 'a\\b{name}}'],
    ['{ {name}}', '{ {name}}'],
    ['\\{{\\{{{{name}}}}', '{{{{Ann}}'],
    ['Ünïcödé 🎉 {{name}} 🎉', 'Ünïcödé 🎉 Ann 🎉'],
    ['"{{name}}"\n', '"Ann"\n'],
  ])('in %j gives %j', (body, wanted) => {
    const recipient = { token: tokenOf(1), variables: { name: 'Ann' } };
    const [record] = readRecords(batchOf({ payload: { aps: { alert: body }, list: [body] } }, [recipient]));
    expect(JSON.parse(record.payload)).toEqual({ aps: { alert: wanted }, list: [wanted] });
  });

  it('is found when its braces are written as escapes', () => {
    const notification = { payload: '{"aps":{"alert":"\\u007b\\u007bname\\u007D}, \\u005c{{name}}"}}' };
    const [record] = readRecords(batchOf(notification, [{ token: tokenOf(1), variables: { name: 'Ann' } }]));
    expect(JSON.parse(record.payload)).toEqual({ aps: { alert: 'Ann, {{name}}' } });
  });

  it('of numbers takes the place of its string', () => {
    const notification = { payload: { aps: { alert: '{{n}} new', badge: '{{n:number}}' } } };
    const lines = [
      `{"token":"${tokenOf(1)}","vars":{"n":5}}`,
      { token: tokenOf(2), vars: { n: '5' } },
      { token: tokenOf(3), vars: { n: true } },
    ];
    const batch = batchOfLines(notification, lines);
    expect(readRecords(batch).map(({ payload }) => payload)).toEqual(['{"aps":{"alert":"5 new","badge":5}}']);
    expect(batch.rejections).toMatchObject([
      { line: 2, code: 'local.wrong-type', field: 'variables.n', token: tokenOf(2) },
      { line: 3, code: 'local.wrong-type', field: 'variables.n', token: tokenOf(3) },
    ]);
  });
});

/** A template as text, the same with JSON.parse and JSON.stringify, and the variables of a recipient. */
const texts = fc.string({ unit: 'binary', maxLength: 30 });
const plainTexts = texts.map((text) => text.replace(/[{}\\]/g, '|'));
const names = fc.constantFrom('name', 'city', 'a-b', 'x.y_Z', 'n1');
const parts = fc.array(
  fc.oneof(
    plainTexts,
    names.map((name) => ({ name })),
  ),
  { maxLength: 6 },
);
const variables = fc.record({ name: texts, city: texts, 'a-b': texts, 'x.y_Z': texts, n1: texts });

type Parts = readonly (string | { readonly name: string })[];

const templateOf = (of: Parts): string =>
  of.map((part) => (typeof part === 'string' ? part : `{{${part.name}}}`)).join('');

function filled(of: Parts, values: Readonly<Record<string, string>>): string {
  return of.map((part) => (typeof part === 'string' ? part : values[part.name])).join('');
}

describe('A recipient', () => {
  it('gets what JSON.parse, putting the values in and JSON.stringify give, from lines and from objects', () => {
    fc.assert(
      fc.property(parts, parts, variables, fc.boolean(), (title, body, values, isEscaped) => {
        const payload = { aps: { alert: { title: templateOf(title) } }, list: [templateOf(body)] };
        const wanted = { aps: { alert: { title: filled(title, values) } }, list: [filled(body, values)] };
        const recipient = { token: tokenOf(1), id: 'one', variables: values };
        const [fromObject] = readRecords(batchOf({ payload }, [recipient]));
        expect(fromObject.payload).toBe(JSON.stringify(wanted));
        // Programs differ in what they escape.
        const line = isEscaped ? asciiOf(JSON.stringify(recipient)) : JSON.stringify(recipient);
        const [fromLine] = readRecords(batchOfLines({ payload: JSON.stringify(payload) }, [line]));
        expect(JSON.parse(fromLine.payload)).toEqual(wanted);
        if (!isEscaped) expect(fromLine.payload).toBe(JSON.stringify(wanted));
      }),
    );
  });

  it('may be a bare device token, in the shapes that a job takes', () => {
    const spaced = `<${tokenOf(2).replace(/(.{8})(?=.)/g, '$1 ')}>`;
    const lines = [tokenOf(1), spaced, `  ${tokenOf(3).toUpperCase()}\t\r`, JSON.stringify(tokenOf(4)), '', '   '];
    const batch = batchOfLines({ payload: { aps: { alert: 'Hi' } } }, lines);
    expect(readRecords(batch).map(({ token, line }) => [token, line])).toEqual([
      [tokenOf(1), 1],
      [tokenOf(2), 2],
      [tokenOf(3), 3],
      [tokenOf(4), 4],
    ]);
    expect(batch.lines).toBe(6);
    expect(batch.rejections).toEqual([]);
  });

  it('may have numbers, booleans and more variables than are needed', () => {
    const line = `{ "vars" : { "extra" : {"a":[null]} , "name" : 1.50e2 , "na\\u006de2":null } , "token" : "${tokenOf(1)}" }`;
    const batch = batchOfLines(hello, [line, { token: tokenOf(2), variables: { name: false } }]);
    expect(batch.rejections).toEqual([]);
    expect(readRecords(batch).map(({ payload }) => payload)).toEqual([
      '{"aps":{"alert":"Hello 1.50e2"}}',
      '{"aps":{"alert":"Hello false"}}',
    ]);
  });

  it('with a key in escapes is read', () => {
    const line = `{"\\u0074oken":"${tokenOf(1)}","v\\u0061rs":{"n\\u0061me":"Ann"},"id":"\\u0061b"}`;
    const [record] = readRecords(batchOfLines(hello, [line]));
    expect(record).toMatchObject({ token: tokenOf(1), id: 'ab', payload: '{"aps":{"alert":"Hello Ann"}}' });
  });

  const good = { token: tokenOf(9), id: 'good', variables: { name: 'Ann' } };
  it.each([
    ['{"token":', 'local.not-json', null, /byte 10/],
    [`{"token":"${tokenOf(1)}"} x`, 'local.not-json', null, /one line holds one recipient/],
    ['["a"]', 'local.not-a-recipient', null, /object with a token/],
    ['{"vars":{"name":"Ann"}}', 'local.missing-token', 'token', /no token/],
    ['{"token":"abc","id":"x","vars":{"name":"Ann"}}', 'local.bad-device-token', 'token', /hex digits/],
    ['not a token', 'local.bad-device-token', 'token', /not a hex digit/],
    [{ ...good, id: 'a b' }, 'local.bad-id', 'id', /a b/],
    [{ ...good, variables: {} }, 'local.missing-variable', 'variables.name', /"name".*\{\{name\}\}/],
    [tokenOf(9), 'local.missing-variable', 'variables.name', /"name"/],
    [{ ...good, variables: { name: null } }, 'local.wrong-type', 'variables.name', /null/],
    [{ ...good, variables: { name: ['Ann'] } }, 'local.wrong-type', 'variables.name', /Ann/],
    [{ ...good, variables: ['Ann'] }, 'local.wrong-type', 'variables', /object/],
    [{ ...good, token: 7 }, 'local.wrong-type', 'token', /string/],
    [{ ...good, variables: { name: 'x'.repeat(4096) } }, 'local.payload-too-large', 'payload', /4122 bytes.*4096/],
    [{ ...good, topic: 'a.b' }, 'local.unknown-field', null, /notification/],
    [{ ...good, name: 'Ann' }, 'local.unknown-field', null, /goes into variables/],
    ['{"token":"a","token":"b"}', 'local.duplicate-key', 'token', /twice/],
    ['{"vars":{},"variables":{}}', 'local.duplicate-key', 'variables', /twice/],
    [`{"token":"${tokenOf(1)}","vars":{"name":"a","name":"b"}}`, 'local.duplicate-key', 'variables.name', /twice/],
    [`{"token":"${tokenOf(1)}","vars":{"name":"\\ud800"}}`, 'local.lone-surrogate', 'variables', /surrogate/],
    [`{"token":"${tokenOf(1)}","vars":{"__proto__":1}}`, 'local.forbidden-key', 'variables', /refused/],
    [`{"token":"${tokenOf(1)}","constructor":{}}`, 'local.forbidden-key', null, /refused/],
  ])('as %j is refused as %s and harms no other', (line, code, field, message) => {
    const batch = batchOfLines(hello, [{ ...good, token: tokenOf(5) }, line, good]);
    expect(readRecords(batch).map((record) => record.line)).toEqual([1, 3]);
    expect(batch.rejections).toMatchObject([{ line: 2, code, field, app: null }]);
    expect(batch.rejections[0].message).toMatch(message);
    expect(batch.rejections[0].message).not.toContain(tokenOf(1));
  });

  it('as an object that is none is refused, and whatever is in it never throws', () => {
    const thrower = {
      get token(): string {
        throw new Error('lost');
      },
    };
    const batch = batchOf(hello, [
      7,
      null,
      thrower,
      { ...good, variables: { name: '\ud800' } },
      { ...good, variables: { name: Symbol('x') } },
      { ...good, variables: { name: NaN } },
      { ...good, variables: 'Ann' },
      { ...good, variables: { name: undefined } },
      { ...good, variables: Object.create({ name: 'Ann' }) as object },
      { ...good, vars: {} },
      { ...good, token: 'x'.repeat(70_000) },
      { ...good, variables: { name: 10n } },
    ]);
    expect(batch.rejections.map(({ code }) => code)).toEqual([
      'local.not-a-recipient',
      'local.not-a-recipient',
      'local.not-serialisable',
      'local.lone-surrogate',
      'local.not-serialisable',
      'local.not-serialisable',
      'local.wrong-type',
      'local.missing-variable',
      'local.missing-variable',
      'local.duplicate-key',
      'local.line-too-long',
    ]);
    expect(readRecords(batch)).toMatchObject([{ line: 12, payload: '{"aps":{"alert":"Hello 10"}}' }]);
  });

  it('that is not UTF-8 is refused alone', () => {
    const builder = builderFor(hello);
    const line = Buffer.from(JSON.stringify({ ...good, variables: { name: 'caf?' } }));
    line[line.indexOf('?')] = 0xe9;
    builder.begin(
      Buffer.concat([line, Buffer.from('\n'), Buffer.from(JSON.stringify({ ...good, token: tokenOf(2) }))]),
      1,
    );
    builder.addLines(10);
    const batch = builder.take();
    expect(batch.rejections).toMatchObject([{ line: 1, code: 'local.bad-utf8' }]);
    expect(batch.count).toBe(1);
  });
});

describe.each(['tokens', 'fingerprints'] as const)('With %s remembered', (keeps) => {
  const hi: CampaignNotification = { payload: { aps: { alert: 'Hi' } } };

  it('a device token that was there before is refused, by its line', () => {
    const lines = [tokenOf(1), tokenOf(2), { token: tokenOf(1).toUpperCase(), id: 'again' }, tokenOf(2), tokenOf(3)];
    const batch = batchOfLines(hi, lines, { keeps });
    expect(readRecords(batch).map(({ line }) => line)).toEqual([1, 2, 5]);
    expect(batch.rejections).toMatchObject([
      { line: 3, code: 'local.duplicate-recipient', duplicateOf: 1, id: 'again', token: tokenOf(1) },
      { line: 4, code: 'local.duplicate-recipient', duplicateOf: 2, id: null, token: tokenOf(2) },
    ]);
  });

  it('one whose first line was refused is sent to', () => {
    const lines = [{ token: tokenOf(1) }, { token: tokenOf(1), vars: { name: 'Ann' } }];
    const batch = batchOfLines(hello, lines, { keeps });
    expect(batch.rejections).toMatchObject([{ line: 1, code: 'local.missing-variable' }]);
    expect(readRecords(batch).map(({ line }) => line)).toEqual([2]);
  });

  it('lines that an earlier run settled are not sent, and what they were sent is not sent again', () => {
    const lines = [tokenOf(1), 'x', tokenOf(2), tokenOf(1), tokenOf(2), tokenOf(3)];
    const builder = builderFor(hi, { keeps, isSettled: (line) => line <= 3 });
    builder.begin(Buffer.from(lines.join('\n')), 1);
    expect(builder.addLines(100)).toBe(true);
    const batch = builder.take();
    expect(builder.skipped).toBe(3);
    expect(batch.rejections).toMatchObject([
      { line: 4, duplicateOf: 1 },
      { line: 5, duplicateOf: 3 },
    ]);
    expect(readRecords(batch).map(({ line }) => line)).toEqual([6]);
  });

  it('stops at the first recipient of whom it could not say, and not at those it can', () => {
    const builder = builderFor(hi, { keeps, tokensMax: 2 });
    builder.begin(Buffer.from([1, 2, 1, 3, 4].map(tokenOf).join('\n')), 1);
    expect(builder.addLines(100)).toBe(true);
    expect(builder.isStopped).toBe(true);
    expect(builder.line).toBe(4);
    expect(builder.take()).toMatchObject({ count: 2, lines: 3, rejections: [{ line: 3 }] });
  });
});

describe('Lines', () => {
  it('are taken only if JSON.parse takes them, or they are a device token', () => {
    const valid = JSON.stringify({
      token: tokenOf(1),
      id: 'a',
      vars: { name: 'Ünï "q"', more: { a: [1, true, null] } },
    });
    const change = fc.record({ at: fc.nat(valid.length), drop: fc.nat(3), text: fc.string({ maxLength: 3 }) });
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(change, { maxLength: 2 }), (changes) => {
        let line = valid;
        for (const { at, drop, text } of changes) line = line.slice(0, at) + text + line.slice(at + drop);
        const batch = batchOfLines(hello, [line]);
        expect(batch.count + batch.rejections.length).toBe(line.trim() === '' ? 0 : 1);
        if (batch.count === 0) return;
        accepted++;
        const { token, vars } = JSON.parse(line) as { token: string; vars: { name: unknown } };
        const [record] = readRecords(batch);
        expect(record.token).toBe(parseDeviceToken(token));
        if (typeof vars.name !== 'string') return;
        expect(JSON.parse(record.payload)).toEqual({ aps: { alert: `Hello ${vars.name}` } });
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it('give the same however they are cut into batches', () => {
    const line = fc.oneof(
      fc.nat(20).map(tokenOf),
      fc.nat(20).map((number) => JSON.stringify({ token: tokenOf(number), id: `r-${number}`, vars: { name: 'Ünï' } })),
      fc.constantFrom('', '  ', 'nonsense', '{"token":', '{}'),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), fc.integer({ min: 1, max: 7 }), (lines, recipientsMax) => {
        const whole = batchOfLines(hello, lines, { keeps: 'tokens' });
        const builder = builderFor(hello, { keeps: 'tokens' });
        builder.begin(Buffer.from(lines.join('\n')), 1);
        const batches: PreparedBatch[] = [];
        for (let isDone = false; !isDone;) {
          isDone = builder.addLines(recipientsMax);
          expect(builder.recipients).toBeLessThanOrEqual(recipientsMax);
          batches.push(builder.take());
        }
        const withoutIds = (batch: PreparedBatch): unknown[] =>
          readRecords(batch).map((record) => ({ ...record, apnsId: '', id: record.isIdGiven ? record.id : '' }));
        expect(batches.flatMap(withoutIds)).toEqual(withoutIds(whole));
        expect(batches.flatMap(({ rejections }) => rejections)).toEqual(whole.rejections);
        expect(batches.reduce((sum, batch) => sum + batch.lines, 0)).toBe(whole.lines);
      }),
    );
  });

  it('may begin with a byte order mark and end with a line feed', () => {
    const batch = batchOfLines({ payload: { aps: { alert: 'Hi' } } }, [`\ufeff${tokenOf(1)}`, tokenOf(2), '']);
    expect(readRecords(batch).map(({ line }) => line)).toEqual([1, 2]);
  });
});

describe('The text of a notification', () => {
  it('may take many lines, and keeps the octets of its payload', () => {
    const text =
      '\ufeff{\n  "topic": "com.example.app",\r\n  "payload": {\n    "aps": {"alert": "Hi {{name}}"},\n    "n": 12345678901234567890\n  }\n}\n';
    const notification = parseNotification(Buffer.from(text));
    expect(notification).toMatchObject({ topic: 'com.example.app' });
    const [record] = readRecords(batchOf(notification, [{ token: tokenOf(1), variables: { name: 'Ann' } }]));
    expect(record.payload).toBe('{\n    "aps": {"alert": "Hi Ann"},\n    "n": 12345678901234567890\n  }');
  });

  it('may be the payload alone, or a payload that is text', () => {
    const recipient = { token: tokenOf(1), variables: { name: 'Ann' } };
    for (const text of [
      '{"aps":{"alert":"Hello {{name}}"}}',
      '{"payload":"{\\"aps\\":{\\"alert\\":\\"Hello {{name}}\\"}}"}',
    ]) {
      const [record] = readRecords(batchOf(parseNotification(Buffer.from(text)), [recipient]));
      expect(record.payload).toBe('{"aps":{"alert":"Hello Ann"}}');
    }
  });

  it.each([
    ['', 'notification', /not JSON/],
    ['{"payload":', 'notification', /not JSON/],
    ['[]', 'notification', /object/],
    ['{}', 'payload', /missing/],
    ['{"payload":{},"titel":"x"}', 'titel', /no field/],
    ['{"payload":{"a":1,"a":2}}', 'payload', /key was there before/],
    ['{"payload":{},"priority":"high"}', 'priority', /number/],
  ])('%j is refused at %s', (text, path, problem) => {
    expect(() => compileNotification(parseNotification(Buffer.from(text)))).toThrow(NotificationError);
    try {
      compileNotification(parseNotification(Buffer.from(text)));
    } catch (error) {
      expect(error).toMatchObject({ path });
      expect((error as Error).message).toMatch(problem);
    }
  });
});

/** Everything but ASCII as \u escapes. */
function asciiOf(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
