import { describe, expect, it } from 'vitest';
import { decodeOurselves } from '../../test/independent-decoder.ts';
import { TemplateConversation, pushFields, pushValues } from '../../test/template-conversation.ts';
import type { TemplateFields } from '../../test/template-conversation.ts';
import { HpackEncoder } from './encoder.ts';
import { HeaderTemplate } from './header-template.ts';

function expectReadable(conversation: TemplateConversation): void {
  expect(decodeOurselves(conversation.steps)).toStrictEqual(conversation.expected);
}

const stable: TemplateFields = [
  { name: ':method', value: 'POST' },
  { name: 'apns-topic', value: 'com.example.app' },
  { name: ':path', slot: 0 },
];

describe('HeaderTemplate', () => {
  it('inserts its stable fields once, and writes an octet for each from then on', () => {
    const conversation = new TemplateConversation({ huffman: 'never' });
    const first = conversation.write(stable, ['/x']);
    expect(first.toString('latin1')).toBe('\x83\x40\x0aapns-topic\x0fcom.example.app\x04\x02/x');
    const generation = conversation.encoder.generation;
    for (let number = 0; number < 5; number++) {
      expect(conversation.write(stable, [`/${number}`]).toString('hex')).toBe(`83be04022f3${number}`);
    }
    expect(conversation.encoder.generation).toBe(generation);
    expectReadable(conversation);
  });

  it('gives the worked second request of an APNs sender, without Huffman in the values', () => {
    const conversation = new TemplateConversation();
    const fields = pushFields('com.example.app');
    conversation.write(fields, pushValues(1));
    const warm = conversation.write(fields, pushValues(1)).toString('hex');
    // method, scheme, authority; path: literal of name 4, 74 octets.
    expect(warm.startsWith('8387c3044a2f332f6465766963652f')).toBe(true);
    // authorization, topic, push type, priority; apns-id: literal whose name is the newest entry, 36 octets.
    expect(warm).toContain('c2c1c0bf0f2f24');
    expect(warm.length / 2).toBe(3 + 2 + 74 + 4 + 3 + 36);
    expectReadable(conversation);
  });

  it('leaves out the slots that are not there', () => {
    const fields: TemplateFields = [
      { name: 'a', slot: 1, prefix: 'p' },
      { name: 'b', value: '1', indexing: 'without' },
      { name: 'c', slot: 0 },
    ];
    const conversation = new TemplateConversation({ huffman: 'never' });
    for (let round = 0; round < 3; round++) {
      expect(conversation.write(fields, [null, null]).toString('latin1')).toBe('\0\x01b\x011');
      expect(conversation.write(fields, ['z', null]).toString('latin1')).toBe('\0\x01b\x011\0\x01c\x01z');
      expect(conversation.write(fields, [null, 'y']).toString('latin1')).toBe('\0\x01a\x02py\0\x01b\x011');
    }
    expect(conversation.encoder.tableBytes).toBe(0);
    expectReadable(conversation);
  });

  it('takes values of any length, empty ones too', () => {
    const conversation = new TemplateConversation();
    for (const length of [0, 1, 126, 127, 128, 255, 5000]) conversation.write(stable, ['v'.repeat(length)]);
    expectReadable(conversation);
  });

  it('inserts the name of a slot when the slot is first used, and only then', () => {
    const fields: TemplateFields = [{ name: 'apns-collapse-id', slot: 0, indexing: 'name' }];
    const conversation = new TemplateConversation({ huffman: 'never' });
    for (let number = 0; number < 3; number++) expect(conversation.write(fields, [null])).toHaveLength(0);
    expect(conversation.encoder.tableBytes).toBe(0);
    expect(conversation.write(fields, ['one']).toString('latin1')).toBe('\x40\x10apns-collapse-id\x03one');
    for (let number = 0; number < 3; number++) {
      expect(conversation.write(fields, ['two']).toString('latin1')).toBe('\x0f\x2f\x03two');
    }
    expect(conversation.encoder.tableBytes).toBe(32 + 16 + 3);
    expectReadable(conversation);
  });

  it('keeps values out of the table that are too long to be worth it', () => {
    const fields: TemplateFields = [{ name: 'a', slot: 0, indexing: 'name' }];
    const conversation = new TemplateConversation();
    conversation.write(fields, ['v'.repeat(65)]);
    expect(conversation.encoder.tableBytes).toBe(0);
    conversation.write(fields, ['v'.repeat(64)]);
    expect(conversation.encoder.tableBytes).toBe(32 + 1 + 64);
    conversation.write(fields, ['v'.repeat(65)]);
    expect(conversation.encoder.tableBytes).toBe(32 + 1 + 64);
    expectReadable(conversation);
  });

  it('writes what must never be indexed as such', () => {
    const fields: TemplateFields = [
      { name: 'a', value: 'b', indexing: 'never' },
      { name: 'c', slot: 0, indexing: 'never' },
    ];
    const conversation = new TemplateConversation({ huffman: 'never' });
    for (let round = 0; round < 3; round++) {
      expect(conversation.write(fields, ['d']).toString('latin1')).toBe('\x10\x01a\x01b\x10\x01c\x01d');
    }
  });

  it('comes to rest when two templates alternate', () => {
    const conversation = new TemplateConversation();
    const templates = [pushFields('com.example.one'), pushFields('com.example.two')];
    for (let number = 0; number < 4; number++) conversation.write(templates[number % 2], pushValues(0));
    const { generation } = conversation.encoder;
    for (let number = 0; number < 10; number++) {
      expect(conversation.write(templates[number % 2], pushValues(1)).length).toBeLessThan(130);
    }
    expect(conversation.encoder.generation).toBe(generation);
    expectReadable(conversation);
  });

  it('is right when a plain block moves the indexes', () => {
    const conversation = new TemplateConversation();
    for (let number = 0; number < 30; number++) {
      conversation.write(stable, ['/x']);
      if (number % 3 === 0) conversation.encode([{ name: 'n', value: `${number}` }]);
    }
    expectReadable(conversation);
  });

  it('comes to rest after the table was full of what nobody needs any more', () => {
    const conversation = new TemplateConversation();
    for (let number = 0; number < 200; number++) conversation.encode([{ name: `old-${number}`, value: 'v' }]);
    const fields = pushFields('com.example.app');
    for (let number = 0; number < 10; number++) conversation.write(fields, pushValues(0));
    const { generation } = conversation.encoder;
    conversation.write(fields, pushValues(21));
    expect(conversation.encoder.generation).toBe(generation);
    expectReadable(conversation);
  });

  it('inserts only as much as the table holds at once, so that it never evicts its own fields in a circle', () => {
    const fields: TemplateFields = Array.from({ length: 6 }, (_, number) => ({ name: `n-${number}`, value: 'value' }));
    const conversation = new TemplateConversation();
    conversation.setTableBytes(3 * (32 + 3 + 5));
    for (let number = 0; number < 3; number++) conversation.write(fields, []);
    const { generation } = conversation.encoder;
    conversation.write(fields, []);
    expect(conversation.encoder.generation).toBe(generation);
    expectReadable(conversation);
  });

  it('writes a field larger than the table as a literal and leaves the table alone', () => {
    const fields: TemplateFields = [
      { name: 'a', value: 'b' },
      { name: 'large', value: 'v'.repeat(5000) },
    ];
    const conversation = new TemplateConversation();
    for (let number = 0; number < 3; number++) conversation.write(fields, []);
    expect(conversation.encoder.tableBytes).toBe(34);
    expectReadable(conversation);
  });

  it('opens its block with the size of the table when the peer changed it in mid-flight', () => {
    const conversation = new TemplateConversation();
    for (let number = 0; number < 3; number++) conversation.write(stable, ['/x']);
    conversation.setTableBytes(0);
    expect(conversation.write(stable, ['/x'])[0]).toBe(0x20);
    expect(conversation.write(stable, ['/x'])[0]).toBe(0x83);
    expect(conversation.encoder.tableBytes).toBe(0);
    conversation.setTableBytes(4096);
    for (let number = 0; number < 3; number++) conversation.write(stable, ['/x']);
    conversation.setTableBytes(0);
    conversation.setTableBytes(4096);
    expect(conversation.write(stable, ['/x']).subarray(0, 4).toString('hex')).toBe('203fe11f');
    expect(conversation.write(stable, ['/x']).toString('hex')).toBe('83be04022f78');
    expectReadable(conversation);
  });

  it('says so when the target is too small, cold and warm', () => {
    const template = new HeaderTemplate(new HpackEncoder(), stable);
    const value = Buffer.from('/x');
    const write = (bytes: number): number => template.write(Buffer.alloc(bytes), 0, value, Int32Array.of(0, 2), 0);
    expect(() => write(3)).toThrow(RangeError);
    write(200);
    write(200);
    expect(() => write(3)).toThrow(RangeError);
  });
});
