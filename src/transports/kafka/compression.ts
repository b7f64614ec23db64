import { Buffer } from "node:buffer";
import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import { CompressionCodecs, CompressionTypes } from "kafkajs";
import snappyCodec from "kafkajs-snappy";
import lz4 from "lz4js";

/** What kafkajs hands to a codec to be compressed. */
interface RecordsEncoder {
  readonly buffer: Buffer;
}

/**
 * Registers the codecs that kafkajs does not bring: without one, a single record compressed with it ends the consumer
 * for good. Brokers refuse the lz4 frames that can be written here, so lz4 is for reading only.
 */
export function useAllCompressionCodecs(): void {
  CompressionCodecs[CompressionTypes.Snappy] = snappyCodec;
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: () => Promise.reject(new Error("lz4 is supported for reading only")),
    // deno-lint-ignore require-await -- kafkajs expects a promise
    decompress: async (bytes: Uint8Array) => Buffer.from(lz4.decompress(bytes)),
  });
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: ({ buffer }: RecordsEncoder) => promisify(zstdCompress)(buffer),
    decompress: promisify(zstdDecompress),
  });
}
