import { Zstd } from "@hpcc-js/wasm-zstd";
import { Buffer } from "node:buffer";
import { CompressionCodecs, CompressionTypes } from "kafkajs";
import snappyCodec from "kafkajs-snappy";

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
    async decompress(bytes: Uint8Array) {
      // It takes five megabytes as soon as it is loaded.
      const { default: lz4 } = await import("lz4js");
      return Buffer.from(lz4.decompress(bytes));
    },
  });
  // The runtime's node:zlib names zstd and does not have it.
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async ({ buffer }: RecordsEncoder) =>
      Buffer.from((await Zstd.load()).compress(buffer)),
    decompress: async (bytes: Uint8Array) => Buffer.from((await Zstd.load()).decompress(bytes)),
  });
}
