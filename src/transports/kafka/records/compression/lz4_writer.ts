import type { Bytes } from "../../../../core/event.ts";

/**
 * The start of every frame: blocks of up to 64 KiB, independent of each other, as brokers require; no checksums, except
 * that of this header in its last byte.
 */
const FRAME_START = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
const BLOCK_BYTES = 64 * 1024;
const BLOCK_HEADER_BYTES = 4;
const FRAME_END_BYTES = 4;
/** How much larger a block may become, in addition to a byte for every 255. */
const MAX_GROWTH_BYTES = 16;

/** Marks the length of a block that is stored uncompressed. */
const IS_STORED = 0x80000000;

/** A length of this value in a token continues in the following bytes. */
const GOES_ON = 15;
/** A length byte of this value is followed by another one. */
const MORE_FOLLOWS = 255;
const MIN_REPETITION = 4;

/** The format lets no match begin in the last 12 bytes of a block, nor reach into its last 5. */
const NO_REPETITION_BYTES = 12;
const LITERAL_END_BYTES = 5;

const HASH_BITS = 13;
const HASH_FACTOR = 0x9e3779b1;

/** The longer the search finds no match, the larger its steps. */
const STEPS_SHIFT = 6;

/** Compresses to one frame, for speed rather than size. */
export function compressLz4(bytes: Bytes): Bytes {
  const blocks = Math.ceil(bytes.length / BLOCK_BYTES);
  const overheads = blocks * (BLOCK_HEADER_BYTES + MAX_GROWTH_BYTES) + bytes.length / MORE_FOLLOWS;
  const size = FRAME_START.length + bytes.length + Math.ceil(overheads) + FRAME_END_BYTES;
  const frame = new Uint8Array(size);
  const view = new DataView(frame.buffer);
  const seen = new Uint16Array(1 << HASH_BITS);
  frame.set(FRAME_START);
  let position = FRAME_START.length;
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    const block = bytes.subarray(start, start + BLOCK_BYTES);
    const target = frame.subarray(position + BLOCK_HEADER_BYTES);
    const compressed = compressBlock(block, target, seen.fill(0));
    const isStored = compressed >= block.length;
    if (isStored) target.set(block);
    view.setUint32(position, isStored ? (IS_STORED | block.length) >>> 0 : compressed, true);
    position += BLOCK_HEADER_BYTES + (isStored ? block.length : compressed);
  }
  view.setUint32(position, 0);
  return frame.subarray(0, position + FRAME_END_BYTES);
}

/** Returns the compressed length, which may be more than the block has. */
function compressBlock(block: Bytes, target: Bytes, seen: Uint16Array): number {
  const writer = new SequenceWriter(block, target);
  const searchEnd = block.length - NO_REPETITION_BYTES;
  let misses = 0;
  for (let position = 1; position < searchEnd;) {
    const word = wordAt(block, position);
    const hash = Math.imul(word, HASH_FACTOR) >>> (32 - HASH_BITS);
    const before = seen[hash]!;
    seen[hash] = position;
    if (wordAt(block, before) !== word) {
      position += 1 + (misses++ >> STEPS_SHIFT);
      continue;
    }
    misses = 0;
    const end = repetitionEnd(block, before, position);
    writer.repetition(position, end, position - before);
    position = end;
  }
  writer.literals(block.length, 0);
  return writer.length;
}

/** Writes a block as sequences of literals and a match. */
class SequenceWriter {
  length = 0;
  readonly #block: Bytes;
  readonly #target: Bytes;
  #literalsFrom = 0;

  constructor(block: Bytes, target: Bytes) {
    this.#block = block;
    this.#target = target;
  }

  /** Writes a match, and the literals before it. */
  repetition(start: number, end: number, distance: number): void {
    const length = end - start - MIN_REPETITION;
    this.literals(start, length);
    this.#target[this.length++] = distance & 0xff;
    this.#target[this.length++] = distance >> 8;
    this.#restOf(length);
    this.#literalsFrom = end;
  }

  /** Writes the literals up to `end`, and how long the match after them is. */
  literals(end: number, repetition: number): void {
    const count = end - this.#literalsFrom;
    this.#target[this.length++] = Math.min(count, GOES_ON) << 4 | Math.min(repetition, GOES_ON);
    this.#restOf(count);
    for (let position = this.#literalsFrom; position < end; position++) {
      this.#target[this.length++] = this.#block[position]!;
    }
  }

  #restOf(length: number): void {
    if (length < GOES_ON) return;
    let rest = length - GOES_ON;
    for (; rest >= MORE_FOLLOWS; rest -= MORE_FOLLOWS) this.#target[this.length++] = MORE_FOLLOWS;
    this.#target[this.length++] = rest;
  }
}

/** The end of the match at `position`, which repeats the bytes at `before`. */
function repetitionEnd(block: Bytes, before: number, position: number): number {
  const limit = block.length - LITERAL_END_BYTES;
  const distance = position - before;
  let end = position + MIN_REPETITION;
  while (end < limit && block[end] === block[end - distance]) end++;
  return end;
}

function wordAt(bytes: Bytes, position: number): number {
  return bytes[position]! | bytes[position + 1]! << 8 | bytes[position + 2]! << 16 |
    bytes[position + 3]! << 24;
}
