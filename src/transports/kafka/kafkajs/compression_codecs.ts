/**
 * Registers every codec of Kafka with kafkajs, which has only gzip, and no limit of the uncompressed size: messages of
 * 300 kB can become 300 MB. Record batches are decompressed by `records/compression/codecs.ts`, not through kafkajs.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { CompressionCodecs, CompressionTypes } from "kafkajs";
import { type Codec, codecOf, decompress } from "../records/compression/codecs.ts";

/** The uncompressed limit of messages in the formats before record batches. Their producers sent 1 MB by default. */
const MAX_INFLATED_BYTES = 16 * 1024 * 1024;

/** Registers the codecs: a message whose codec is missing cannot be read, and stops its partition. */
export function useAllCompressionCodecs(): void {
  const { GZIP, Snappy, LZ4, ZSTD } = CompressionTypes;
  for (const type of [GZIP, Snappy, LZ4, ZSTD] as const) {
    const codec = codecOf(type);
    if (codec === null) continue;
    CompressionCodecs[type] = () => ({
      decompress: (bytes: Buffer<ArrayBuffer>) => decompressMessages(bytes, codec),
    });
  }
}

async function decompressMessages(
  { buffer, byteOffset, length }: Buffer<ArrayBuffer>,
  codec: Codec,
): Promise<Buffer> {
  try {
    // The libraries handle a plain Uint8Array better than a Buffer.
    const bytes = new Uint8Array(buffer, byteOffset, length);
    const messages = await decompress(codec, bytes, MAX_INFLATED_BYTES);
    return Buffer.from(messages.buffer, messages.byteOffset, messages.length);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot decompress ${codec.name}: ${reason}`, { cause: error });
  }
}
