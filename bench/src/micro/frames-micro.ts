/** The codecs of @carillon/frames, as a push and its reply use them. */
import {
  FrameFlag,
  FrameParser,
  FrameType,
  HeaderTemplate,
  HpackDecoder,
  HpackEncoder,
  encodeData,
  encodeFrameHeader,
} from '@carillon/frames';
import { DeafSink } from './deaf-sink.ts';
import { bodyAt, count, plan, pushes, replies, replyBlock, spanStride } from './fixtures.ts';
import type { Micro } from './micro.ts';

const encodeHeader: Micro = {
  name: 'frames: encode frame header',
  question: 'Do nine byte stores stay a few nanoseconds?',
  calls: count,
  prepare() {
    const target = Buffer.alloc(9);
    return () => {
      let sum = 0;
      for (let id = 1; id < 2 * count; id += 2) {
        encodeFrameHeader(target, 0, 282, FrameType.data, FrameFlag.endStream, id);
        sum += target[8];
      }
      return sum;
    };
  },
};

/** Adds up stream ids. */
class CountingSink extends DeafSink {
  sum = 0;

  override onHeaders(streamId: number): void {
    this.sum += streamId;
  }
}

const parseReplies: Micro = {
  name: 'frames: parse reply frame',
  question: 'What does the parser cost a reply, without HPACK?',
  calls: count,
  prepare() {
    const bytes = replies(1, count);
    const sink = new CountingSink();
    const parser = new FrameParser(sink);
    return () => {
      parser.receive(bytes);
      return sink.sum;
    };
  },
};

const writePush: Micro = {
  name: 'frames: HEADERS + DATA through a template',
  question: 'What does encoding a whole push of 282 octets cost, template warm?',
  calls: count,
  prepare() {
    const { bytes, spans, recordBytes } = pushes();
    const template = new HeaderTemplate(new HpackEncoder(), plan());
    const target = Buffer.alloc(1024);
    return () => {
      let sum = 0;
      for (let number = 0; number < count; number++) {
        const end = template.write(target, 9, bytes, spans, number * spanStride);
        encodeFrameHeader(target, 0, end - 9, FrameType.headers, FrameFlag.endHeaders, number * 2 + 1);
        const start = number * recordBytes;
        sum += encodeData(target, end, number * 2 + 1, bytes, start + bodyAt, start + recordBytes, true);
      }
      return sum;
    };
  },
};

function decodeReply(name: string, huffman: 'never' | 'shorter'): Micro {
  return {
    name,
    question: 'What does HPACK cost a reply of :status and apns-id?',
    calls: count,
    prepare() {
      const block = replyBlock(huffman);
      const decoder = new HpackDecoder({ knownNames: ['apns-id'] });
      let sum = 0;
      const sink = { onField: ({ nameId }: { readonly nameId: number }): void => void (sum += nameId) };
      return () => {
        for (let number = 0; number < count; number++) decoder.decode(block, 0, block.length, sink);
        return sum;
      };
    },
  };
}

export const framesMicros: readonly Micro[] = [
  encodeHeader,
  parseReplies,
  writePush,
  decodeReply('hpack: decode reply, raw', 'never'),
  decodeReply('hpack: decode reply, Huffman', 'shorter'),
];
