import { Buffer } from "node:buffer";
import { CompressionCodecs, CompressionTypes } from "kafkajs";
import snappyCodec from "kafkajs-snappy";

/** What kafkajs hands to a codec to be compressed. */
interface RecordsEncoder {
  readonly buffer: Buffer;
}

/**
 * Registers the codecs that kafkajs does not bring: without one, a single record compressed with it ends the consumer
 * for good. Brokers refuse the lz4 frames that can be written here, so lz4 is for reading only. Libraries are
 * loaded when a codec is first used: each takes megabytes.
 */
export function useAllCompressionCodecs(): void {
  CompressionCodecs[CompressionTypes.Snappy] = snappyCodec;
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: () => Promise.reject(new Error("lz4 is supported for reading only")),
    async decompress(bytes: Uint8Array) {
      const { default: lz4 } = await import("lz4js");
      return Buffer.from(lz4.decompress(bytes));
    },
  });
  // The runtime's node:zlib names zstd and does not have it.
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async ({ buffer }: RecordsEncoder) =>
      Buffer.from((await loadZstd()).compress(buffer)),
    decompress: async (bytes: Uint8Array) => Buffer.from((await loadZstd()).decompress(bytes)),
  });
}

async function loadZstd() {
  const { Zstd } = await import("@hpcc-js/wasm-zstd");
  return await Zstd.load();
}
