import snappyjs from "snappyjs";
import type { Bytes } from "../../../../core/event.ts";
import { InflatedBytes, tooLarge } from "./inflated_bytes.ts";

/** Java's clients write blocks in frames of their own, which start with this and a version. */
const XERIAL_MAGIC = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0];
const XERIAL_HEADER_SIZE = 16;

/** Kinds of elements, in the lowest bits of their first byte. */
const LITERAL = 0;
const NEAR_COPY = 1;
const COPY = 2;

/** From here on, the length of a literal stands in bytes of its own. */
const LONG_LITERAL = 60;

/** Compresses to one block. */
export function compressSnappy(bytes: Bytes): Bytes {
  return snappyjs.compress(bytes);
}

/**
 * Decompresses a block, or Java's frames of blocks.
 *
 * @see https://github.com/google/snappy/blob/main/format_description.txt
 * @throws {Error} when it is damaged, or takes more than `maxLength` bytes
 */
export function decompressSnappy(bytes: Bytes, maxLength: number): Bytes {
  const isFramed = XERIAL_MAGIC.every((byte, index) => bytes[index] === byte);
  const blocks = isFramed ? [...framedBlocks(bytes)] : [bytes];
  const lengths = blocks.map(uncompressedLength);
  const length = lengths.reduce((sum, { value }) => sum + value, 0);
  if (length > maxLength) throw tooLarge(maxLength);
  const inflated = new InflatedBytes(length, maxLength);
  blocks.forEach((block, index) => readBlock(block, { start: lengths[index]!.end, inflated }));
  if (inflated.bytes.length !== length) throw new Error("it is damaged");
  return inflated.bytes;
}

function* framedBlocks(bytes: Bytes): Generator<Bytes> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let position = XERIAL_HEADER_SIZE; position < bytes.length;) {
    const start = position + 4;
    position = start + view.getUint32(position);
    yield bytes.subarray(start, position);
  }
}

/** The length that a block says it has, and where that ends. */
function uncompressedLength(block: Bytes): { value: number; end: number } {
  let value = 0;
  for (let end = 0; end < 5; end++) {
    const byte = block[end] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * end);
    if (byte < 0x80) return { value, end: end + 1 };
  }
  throw new Error("it is damaged");
}

function readBlock(
  block: Bytes,
  { start, inflated }: { start: number; inflated: InflatedBytes },
): void {
  for (let position = start; position < block.length;) {
    const tag = block[position++]!;
    const kind = tag & 0x03;
    if (kind === LITERAL) {
      let length = (tag >> 2) + 1;
      if (length > LONG_LITERAL) {
        const size = length - LONG_LITERAL;
        length = littleEndian(block, position, size) + 1;
        position += size;
      }
      inflated.append(block, position, position + length);
      position += length;
    } else if (kind === NEAR_COPY) {
      inflated.repeat((tag >> 5) << 8 | block[position++]!, (tag >> 2 & 0x07) + 4);
    } else {
      const size = kind === COPY ? 2 : 4;
      inflated.repeat(littleEndian(block, position, size), (tag >> 2) + 1);
      position += size;
    }
  }
}

function littleEndian(bytes: Bytes, start: number, size: number): number {
  let value = 0;
  for (let index = start + size - 1; index >= start; index--) value = value * 256 + bytes[index]!;
  return value;
}
