// The Huffman code of HPACK (RFC 7541 §5.2, Appendix B), both ways. Decoding walks a state table four bits at a time:
// 256 states (the inner nodes of the code tree) × 16 nibbles, 16 KiB; at most one symbol ends in a nibble, for the
// shortest code has five bits.
import { huffmanCodes, huffmanLengths } from './huffman-table.ts';

const endOfString = 256;

/** How many octets the text takes; it must be latin1. */
export function huffmanBytes(text: string): number {
  let bits = 0;
  for (let at = 0; at < text.length; at++) bits += huffmanLengths[text.charCodeAt(at)];
  return (bits + 7) >>> 3;
}

/** Writes `huffmanBytes(text)` octets and returns the position after. */
export function huffmanEncode(text: string, target: Buffer, at: number): number {
  let pending = 0;
  let pendingBits = 0;
  for (let index = 0; index < text.length; index++) {
    const symbol = text.charCodeAt(index);
    let code = huffmanCodes[symbol];
    let bits = huffmanLengths[symbol];
    if (bits > 16) {
      // In two parts: with up to 7 bits pending, more than 24 would not fit in 32.
      bits -= 16;
      pending = (pending << bits) | (code >>> 16);
      pendingBits += bits;
      while (pendingBits >= 8) target[at++] = pending >>> (pendingBits -= 8);
      code &= 0xffff;
      bits = 16;
    }
    pending = (pending << bits) | code;
    pendingBits += bits;
    while (pendingBits >= 8) target[at++] = pending >>> (pendingBits -= 8);
  }
  // §5.2: the last octet is filled with the most significant bits of EOS, which are ones.
  if (pendingBits > 0) target[at++] = (pending << (8 - pendingBits)) | (0xff >>> pendingBits);
  return at;
}

// One transition: | next row, 12 bits | symbol, 8 bits | flags, 8 bits |. The next row is the next state times 16.
const isSymbolBit = 1;
const isFailureBit = 2;
const rowShift = 16;
const symbolShift = 8;

/** By state: whether a string may end here, that is, whether the bits since the last symbol are padding. */
const mayEnd = new Uint8Array(256);
const transitions: Int32Array = buildTransitions();

/**
 * Decodes bytes[start … end) to `target`, at `at`. Returns the position after, or -1 when the code is broken.
 * Nothing is written at or past `targetEnd`: a result above it says how much room would have been needed.
 */
export function huffmanDecode(
  bytes: Buffer,
  start: number,
  end: number,
  target: Buffer,
  at: number,
  targetEnd: number,
): number {
  let row = 0;
  // Two symbols an octet at most. Every nibble writes, and only a symbol moves on: whether one ends is too random to
  // branch on (a UUID, 26 octets: 230 ns with branches, 175 without; Node 24 on a busy x86-64 machine).
  for (; start < end && at + 2 <= targetEnd; start++) {
    const octet = bytes[start];
    const high = transitions[row | (octet >>> 4)];
    target[at] = high >>> symbolShift;
    at += high & isSymbolBit;
    // A failure leads to row 0, and must be seen in either half.
    const low = transitions[(high >>> rowShift) | (octet & 0xf)];
    target[at] = low >>> symbolShift;
    at += low & isSymbolBit;
    if (((high | low) & isFailureBit) !== 0) return -1;
    row = low >>> rowShift;
  }
  // The last octet of an exact target, and what no longer fits and is only counted.
  for (; start < end; start++) {
    const octet = bytes[start];
    for (let shift = 4; shift >= 0; shift -= 4) {
      const transition = transitions[row | ((octet >>> shift) & 0xf)];
      if ((transition & isFailureBit) !== 0) return -1;
      if ((transition & isSymbolBit) !== 0) {
        if (at < targetEnd) target[at] = transition >>> symbolShift;
        at++;
      }
      row = transition >>> rowShift;
    }
  }
  return mayEnd[row >>> 4] === 1 ? at : -1;
}

/** The tree as pairs of children: a number ≥ 0 is an inner node, -1 - symbol is a leaf. */
function buildTree(): number[][] {
  const nodes: number[][] = [[0, 0]];
  for (let symbol = 0; symbol <= endOfString; symbol++) {
    let node = 0;
    for (let bit = huffmanLengths[symbol] - 1; bit > 0; bit--) {
      const side = (huffmanCodes[symbol] >>> bit) & 1;
      if (nodes[node][side] === 0) nodes[node][side] = nodes.push([0, 0]) - 1;
      node = nodes[node][side];
    }
    nodes[node][huffmanCodes[symbol] & 1] = -1 - symbol;
  }
  return nodes;
}

function buildTransitions(): Int32Array {
  const nodes = buildTree();
  // §5.2: padding is at most seven bits, all ones.
  let padding = 0;
  for (let bits = 0; bits < 8; bits++) {
    mayEnd[padding] = 1;
    padding = nodes[padding][1];
  }
  const table = new Int32Array(nodes.length << 4);
  for (let state = 0; state < nodes.length; state++) {
    for (let nibble = 0; nibble < 16; nibble++) table[(state << 4) | nibble] = walkNibble(nodes, state, nibble);
  }
  return table;
}

function walkNibble(nodes: number[][], state: number, nibble: number): number {
  let node = state;
  let flags = 0;
  for (let bit = 3; bit >= 0; bit--) {
    node = nodes[node][(nibble >>> bit) & 1];
    if (node >= 0) continue;
    const symbol = -1 - node;
    // §5.2: EOS inside a string is an error.
    if (symbol === endOfString) return isFailureBit;
    flags |= isSymbolBit | (symbol << symbolShift);
    node = 0;
  }
  return (node << (rowShift + 4)) | flags;
}
