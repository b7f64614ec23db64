import snappyjs from "snappyjs";
import type { Bytes } from "../../../../core/event.ts";
import type { PieceWriter } from "./pieces.ts";

/** Java's clients write blocks in frames of their own (xerial), which start with this and a version. */
const XERIAL_MAGIC = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0];
const XERIAL_HEADER_SIZE = 16;

/** Types of elements, in the lowest two bits of their first byte. */
const LITERAL = 0;
const NEAR_COPY = 1;
const COPY = 2;

/** A literal longer than this has its length in 1 to 4 separate bytes. */
const LONG_LITERAL = 60;

/** Compresses to one block. */
export function compressSnappy(bytes: Bytes): Bytes {
  return snappyjs.compress(bytes);
}

/**
 * Decompresses a block, or Java's frames of blocks, with `output`.
 *
 * @see https://github.com/google/snappy/blob/main/format_description.txt
 */
export function* readSnappy(bytes: Bytes, output: PieceWriter): Generator<Bytes, void> {
  for (const block of blocksOf(bytes)) {
    yield* readBlock(block, { ...uncompressedLength(block), output });
  }
  yield output.take();
}

function blocksOf(bytes: Bytes): Iterable<Bytes> {
  const isFramed = XERIAL_MAGIC.every((byte, index) => bytes[index] === byte);
  return isFramed ? framedBlocks(bytes) : [bytes];
}

function* framedBlocks(bytes: Bytes): Generator<Bytes> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let position = XERIAL_HEADER_SIZE; position < bytes.length;) {
    const start = position + 4;
    position = start + view.getUint32(position);
    if (position > bytes.length) throw new Error("it is cut off");
    yield bytes.subarray(start, position);
  }
}

/** The uncompressed length that a block states, and the position after that field. */
function uncompressedLength(block: Bytes): { value: number; end: number } {
  let value = 0;
  for (let end = 0; end < 5; end++) {
    const byte = block[end] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * end);
    if (byte < 0x80) return { value, end: end + 1 };
  }
  throw new Error("it is damaged");
}

function* readBlock(
  block: Bytes,
  { value: left, end: start, output }: { value: number; end: number; output: PieceWriter },
): Generator<Bytes, void> {
  for (let position = start; position < block.length;) {
    const tag = block[position++]!;
    const kind = tag & 0x03;
    let length = (tag >> 2) + 1;
    if (kind === LITERAL) {
      if (length > LONG_LITERAL) {
        const size = length - LONG_LITERAL;
        length = littleEndian(block, position, size) + 1;
        position += size;
      }
      output.append(block, position, position + length);
      position += length;
    } else if (kind === NEAR_COPY) {
      length = (tag >> 2 & 0x07) + 4;
      output.repeat((tag >> 5) << 8 | block[position++]!, length);
    } else {
      const size = kind === COPY ? 2 : 4;
      output.repeat(littleEndian(block, position, size), length);
      position += size;
    }
    left -= length;
    if (output.isFull) yield output.take();
  }
  if (left !== 0) throw new Error("it is damaged");
}

function littleEndian(bytes: Bytes, start: number, size: number): number {
  let value = 0;
  for (let index = start + size - 1; index >= start; index--) value = value * 256 + bytes[index]!;
  return value;
}
