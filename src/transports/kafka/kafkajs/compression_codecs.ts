/**
 * Registers every codec of Kafka with kafkajs, which has only gzip, and no limit of the uncompressed size: messages of
 * 300 kB can become 300 MB. Record batches are decompressed by `records/compression/codecs.ts`, not through kafkajs.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { CompressionCodecs, CompressionTypes } from "kafkajs";
import type { Bytes } from "../../../core/event.ts";
import { codecOf, decompress } from "../records/compression/codecs.ts";

/** The uncompressed limit of messages in the formats before record batches. Their producers sent 1 MB by default. */
const MAX_INFLATED_BYTES = 16 * 1024 * 1024;

/** What kafkajs passes to a codec for compression. */
interface RecordsEncoder {
  readonly buffer: Buffer<ArrayBuffer>;
}

/** Registers the codecs: a message whose codec is missing cannot be read, and stops its partition. */
export function useAllCompressionCodecs(): void {
  const { GZIP, Snappy, LZ4, ZSTD } = CompressionTypes;
  for (const type of [GZIP, Snappy, LZ4, ZSTD] as const) register(type);
}

function register(type: Exclude<CompressionTypes, CompressionTypes.None>): void {
  const codec = codecOf(type);
  if (codec === null) return;
  CompressionCodecs[type] = () => ({
    // The libraries handle a plain Uint8Array better than a Buffer.
    compress: async ({ buffer }: RecordsEncoder) => toBuffer(await codec.compress(toBytes(buffer))),
    async decompress(buffer: Buffer<ArrayBuffer>) {
      try {
        return toBuffer(await decompress(codec, toBytes(buffer), MAX_INFLATED_BYTES));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`cannot decompress ${codec.name}: ${reason}`, { cause: error });
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
