/**
 * Registers every codec of Kafka with kafkajs, which has only gzip, and no limit of the uncompressed size: messages of
 * 300 kB can become 300 MB. Record batches are decompressed by `codecs.ts`, not through kafkajs.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { CompressionCodecs, CompressionTypes } from "kafkajs";
import type { Bytes } from "../../../../core/event.ts";
import { compressGzip, decompressGzip } from "./gzip.ts";
import { decompressLz4 } from "./lz4.ts";
import { compressLz4 } from "./lz4_writer.ts";
import { compressSnappy, decompressSnappy } from "./snappy.ts";
import { compressZstd, decompressZstd } from "./zstd.ts";

/** The uncompressed limit of messages in the formats before record batches. Their producers sent 1 MB by default. */
const MAX_INFLATED_BYTES = 16 * 1024 * 1024;

/** What kafkajs passes to a codec for compression. */
interface RecordsEncoder {
  readonly buffer: Buffer<ArrayBuffer>;
}

interface Codec {
  compress(bytes: Bytes): Bytes | Promise<Bytes>;
  decompress(bytes: Bytes, maxLength: number): Bytes | Promise<Bytes>;
}

const GZIP: Codec = { compress: compressGzip, decompress: decompressGzip };
const SNAPPY: Codec = { compress: compressSnappy, decompress: decompressSnappy };
const ZSTD: Codec = { compress: compressZstd, decompress: decompressZstd };
const LZ4: Codec = { compress: compressLz4, decompress: decompressLz4 };

/** Registers the codecs: a message whose codec is missing cannot be read, and stops its partition. */
export function useAllCompressionCodecs(): void {
  register(CompressionTypes.GZIP, { name: "gzip", codec: GZIP });
  register(CompressionTypes.Snappy, { name: "snappy", codec: SNAPPY });
  register(CompressionTypes.LZ4, { name: "lz4", codec: LZ4 });
  register(CompressionTypes.ZSTD, { name: "zstd", codec: ZSTD });
}

function register(
  type: Exclude<CompressionTypes, CompressionTypes.None>,
  { name, codec }: { name: string; codec: Codec },
): void {
  CompressionCodecs[type] = () => ({
    // The libraries handle a plain Uint8Array better than a Buffer.
    compress: async ({ buffer }: RecordsEncoder) => toBuffer(await codec.compress(toBytes(buffer))),
    async decompress(buffer: Buffer<ArrayBuffer>) {
      try {
        return toBuffer(await codec.decompress(toBytes(buffer), MAX_INFLATED_BYTES));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`cannot decompress ${name}: ${reason}`, { cause: error });
      }
    },
  });
}

function toBuffer({ buffer, byteOffset, byteLength }: Bytes): Buffer<ArrayBuffer> {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function toBytes({ buffer, byteOffset, byteLength }: Buffer<ArrayBuffer>): Bytes {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
