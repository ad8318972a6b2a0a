// What our encoder and our templates write, read by a decoder that is not ours.
import { HpackEncoder, fieldsBytesMax } from '@carillon/frames';
import { describe, expect, it } from 'vitest';
import { hasVectors, listVectors, readVectors } from './conformance.ts';
import type { Story } from './hpack-story.ts';
import { decodeIndependently, decodeOurselves } from './independent-decoder.ts';
import type { Conversation, Step } from './independent-decoder.ts';
import type { Field } from './recording-fields.ts';
import { TemplateConversation, pushFields, pushValues } from './template-conversation.ts';

function alternating(): TemplateConversation {
  const conversation = new TemplateConversation();
  const templates = [pushFields('com.example.one'), pushFields('com.example.two'), pushFields('com.example.one.voip')];
  for (let number = 0; number < 60; number++) conversation.write(templates[number % 3], pushValues(number));
  return conversation;
}

/** The table goes to 0 and back: at once, and with blocks between; below what the stable fields need, too. */
function resized(): TemplateConversation {
  const conversation = new TemplateConversation();
  const templates = [pushFields('com.example.one'), pushFields('com.example.two', { topicIndexing: 'without' })];
  const sizes = [[0, 4096], [0], [4096], [100], [256], [300, 90, 200], [65_536], [64, 4096], [4096, 4096]];
  for (let number = 0; number < 100; number++) {
    if (number % 10 === 9) for (const size of sizes[(number - 9) / 10] ?? []) conversation.setTableBytes(size);
    conversation.write(templates[number % 2], pushValues(number));
  }
  return conversation;
}

/** More topics than the table has room for, each inserted in its turn and evicted by others. */
function manyTopics(isIndexed: boolean): TemplateConversation {
  const conversation = new TemplateConversation();
  const templates = Array.from({ length: 500 }, (_, topic) =>
    pushFields(`com.example.topic-${topic}`, isIndexed ? {} : { topicIndexing: 'without' }),
  );
  for (let number = 0; number < 1500; number++) {
    conversation.write(templates[(number * 7) % templates.length], pushValues(number));
  }
  return conversation;
}

/** A provider token every few writes: what is stable for an hour is not stable for ever. */
function renewedTokens(): TemplateConversation {
  const conversation = new TemplateConversation();
  for (let token = 0; token < 40; token++) {
    const fields = pushFields('com.example.one', { token: `${token}-`.repeat(60) });
    for (let number = 0; number < 6; number++) conversation.write(fields, pushValues(number));
  }
  return conversation;
}

describe('HpackEncoder', () => {
  it('writes every story so that an independent decoder reads it', () => {
    if (!hasVectors('hpack-stories')) return;
    const conversations: Conversation[] = [];
    const expected: Field[][][] = [];
    let blocks = 0;
    for (const path of listVectors('hpack-stories', '.json')) {
      const encoder = new HpackEncoder();
      const steps: Step[] = [];
      const lists: Field[][] = [];
      for (const { headers, header_table_size } of readVectors<Story>(path).cases) {
        if (header_table_size) {
          encoder.setPeerTableBytes(header_table_size);
          steps.push({ tableBytes: header_table_size });
        }
        const list = headers.flatMap((header) => Object.entries(header));
        const fields = list.map(([name, value]) => ({ name, value }));
        const target = Buffer.alloc(fieldsBytesMax(fields));
        steps.push({ block: target.subarray(0, encoder.encode(fields, target, 0)) });
        lists.push(list);
        blocks++;
      }
      conversations.push(steps);
      expected.push(lists);
    }
    const { by, lists } = decodeIndependently(conversations);
    expect(lists).toStrictEqual(expected);
    expect(conversations.map(decodeOurselves)).toStrictEqual(expected);
    console.log(`frames: ${by} read ${blocks} blocks of our encoder`);
    expect(blocks).toBe(990);
  });
});

describe('HeaderTemplate', () => {
  it('writes what an independent decoder reads, whatever happens to the table', () => {
    const conversations = [alternating(), resized(), manyTopics(true), manyTopics(false), renewedTokens()];
    const { by, lists } = decodeIndependently(conversations.map(({ steps }) => steps));
    let blocks = 0;
    for (const [index, { steps, expected }] of conversations.entries()) {
      expect(lists[index]).toStrictEqual(expected);
      expect(decodeOurselves(steps)).toStrictEqual(expected);
      blocks += expected.length;
    }
    console.log(`frames: ${by} read ${blocks} blocks of ${conversations.length} conversations with templates`);
  });
});
