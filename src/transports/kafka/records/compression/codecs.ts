import type { Bytes } from "../../../../core/event.ts";
import { compressGzip, GzipPieces } from "./gzip.ts";
import { readLz4 } from "./lz4.ts";
import { compressLz4 } from "./lz4_writer.ts";
import { GeneratedPieces, type Pieces, PieceWriter } from "./pieces.ts";
import { compressSnappy, readSnappy } from "./snappy.ts";
import { compressZstd, inflateZstd } from "./zstd.ts";

const CODEC_MASK = 0x07;
const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;

/** How far back-references reach, of lz4 by its format and of snappy by most encoders. */
const USUAL_DISTANCE_BYTES = 64 * KIBIBYTE;
/** The limit for other encoders of snappy, whose format allows a longer reach. */
const MAX_DISTANCE_BYTES = 8 * MEBIBYTE;

const USUAL_RATIO = 4;

/** One type of compression. */
export interface Codec {
  readonly name: string;
  compress(bytes: Bytes): Bytes | Promise<Bytes>;
  /** @param isWide whether to take more memory where a `TooFarBackError` would be thrown otherwise */
  inflate(bytes: Bytes, isWide?: boolean): Pieces;
}

const CODECS: readonly (Codec | null)[] = [
  null,
  { name: "gzip", compress: compressGzip, inflate: (bytes) => new GzipPieces(bytes) },
  {
    name: "snappy",
    compress: compressSnappy,
    inflate(bytes, isWide = false) {
      const output = new PieceWriter(isWide ? MAX_DISTANCE_BYTES : USUAL_DISTANCE_BYTES);
      return new GeneratedPieces(output, readSnappy(bytes, output));
    },
  },
  {
    name: "lz4",
    compress: compressLz4,
    inflate(bytes) {
      const output = new PieceWriter(USUAL_DISTANCE_BYTES);
      return new GeneratedPieces(output, readLz4(bytes, output));
    },
  },
  { name: "zstd", compress: compressZstd, inflate: inflateZstd },
];

/**
 * The codec in the attributes of a batch; null when the batch is not compressed.
 *
 * @throws {Error} when the codec is unknown
 */
export function codecOf(attributes: number): Codec | null {
  const codec = CODECS[attributes & CODEC_MASK];
  if (codec === undefined) throw new Error(`its codec ${attributes & CODEC_MASK} is unknown`);
  return codec;
}

/**
 * Decompresses at once.
 *
 * @throws {Error} when the input is damaged, or has more than `maxLength` bytes uncompressed
 */
export async function decompress(
  codec: Codec,
  compressed: Bytes,
  maxLength: number,
): Promise<Bytes> {
  const pieces = codec.inflate(compressed, true);
  let bytes = new Uint8Array(Math.min(USUAL_RATIO * compressed.length, maxLength));
  let length = 0;
  try {
    for (let piece = await pieces.next(); piece !== null; piece = await pieces.next()) {
      const end = length + piece.length;
      if (end > maxLength) {
        throw new Error(`it takes more than ${maxLength / MEBIBYTE} MiB uncompressed`);
      }
      if (end > bytes.length) {
        const larger = new Uint8Array(Math.min(Math.max(end, 2 * bytes.length), maxLength));
        larger.set(bytes.subarray(0, length));
        bytes = larger;
      }
      bytes.set(piece, length);
      length = end;
    }
  } finally {
    pieces.close();
  }
  return bytes.subarray(0, length);
}
