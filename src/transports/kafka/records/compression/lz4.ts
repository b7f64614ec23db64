import type { Bytes } from "../../../../core/event.ts";
import type { PieceWriter } from "./pieces.ts";

const MAGIC = 0x184d2204;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;

/** Flags of a frame: what it holds in addition to its blocks. */
const HAS_DICTIONARY = 0x01;
const HAS_CHECKSUM = 0x04;
const HAS_LENGTH = 0x08;
const HAS_BLOCK_CHECKSUMS = 0x10;

/** Marks the length of a block that is stored uncompressed. */
const IS_STORED = 0x80000000;

/** A length of this value in a token continues in the following bytes. */
const GOES_ON = 15;
const MIN_REPETITION = 4;

/**
 * Decompresses lz4 frames with `output`. Checks no checksums: TCP and the batch have their own.
 *
 * @see https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
export function* readLz4(bytes: Bytes, output: PieceWriter): Generator<Bytes, void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let position = 0; position < bytes.length;) {
    if (bytes.length - position < 8) throw new Error("it is cut off");
    const magic = view.getUint32(position, true);
    if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) {
      position += 8 + view.getUint32(position + 4, true);
      continue;
    }
    if (magic !== MAGIC) throw new Error("it is damaged");
    const flags = view.getUint8(position + 4);
    if (flags & HAS_DICTIONARY) throw new Error("it needs a dictionary");
    // Magic number, flags, block size, and the header's checksum.
    position += 7 + (flags & HAS_LENGTH ? 8 : 0);
    for (;;) {
      if (bytes.length - position < 4) throw new Error("it is cut off");
      const header = view.getUint32(position, true);
      position += 4;
      if (header === 0) break;
      const end = position + (header & ~IS_STORED);
      if (header & IS_STORED) output.append(bytes, position, end);
      else yield* readBlock({ bytes, position, end }, output);
      if (output.isFull) yield output.take();
      position = end + (flags & HAS_BLOCK_CHECKSUMS ? 4 : 0);
    }
    if (flags & HAS_CHECKSUM) position += 4;
  }
  yield output.take();
}

function* readBlock(
  { bytes, position, end }: { bytes: Bytes; position: number; end: number },
  output: PieceWriter,
): Generator<Bytes, void> {
  if (end > bytes.length) throw new Error("it is cut off");
  while (position < end) {
    const token = bytes[position++]!;
    let literals = token >> 4;
    if (literals === GOES_ON) {
      let more;
      do literals += more = bytes[position++] ?? 0; while (more === 0xff);
    }
    output.append(bytes, position, position + literals);
    position += literals;
    if (position >= end) return;
    const distance = bytes[position++]! | bytes[position++]! << 8;
    let repetition = token & 0x0f;
    if (repetition === GOES_ON) {
      let more;
      do repetition += more = bytes[position++] ?? 0; while (more === 0xff);
    }
    repetition += MIN_REPETITION;
    for (;;) {
      repetition -= output.repeat(distance, repetition);
      if (output.isFull) yield output.take();
      if (repetition === 0) break;
    }
  }
}
