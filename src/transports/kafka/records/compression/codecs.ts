import type { Bytes } from "../../../../core/event.ts";
import { decompressGzip } from "./gzip.ts";
import { openGzip } from "./gzip_pieces.ts";
import { GeneratedPieces } from "./inflated_pieces.ts";
import { decompressLz4, readLz4 } from "./lz4.ts";
import type { PieceReader } from "./piece_reader.ts";
import { decompressSnappy } from "./snappy.ts";
import { SnappyPieces } from "./snappy_pieces.ts";
import { decompressZstd } from "./zstd.ts";
import { openZstd } from "./zstd_pieces.ts";

const CODEC_MASK = 0x07;
const LZ4_DISTANCE_BYTES = 64 * 1024;

/** How long decompression may block the event loop. */
const TURN_MS = 10;

/** The uncompressed content of a batch, piece by piece. */
export interface Pieces {
  /** Bytes of memory held between two pieces. */
  readonly heldBytes: number;
  /** Resolves with null after the last one. A piece is valid until the next call. @throws {Error} for damaged input */
  next(): Promise<Bytes | null>;
  /** Frees its memory. */
  close(): void;
}

/** How to decompress one type of compression. */
export interface Codec {
  readonly name: string;
  /** @throws {Error} when the input is damaged, or has more than `maxLength` bytes uncompressed */
  decompress(bytes: Bytes, maxLength: number): Bytes | Promise<Bytes>;
  inflate(bytes: Bytes): Pieces;
}

const CODECS: readonly (Codec | null)[] = [
  null,
  {
    name: "gzip",
    decompress: decompressGzip,
    inflate: (bytes) => new ReadPieces(() => openGzip(bytes)),
  },
  {
    name: "snappy",
    decompress: decompressSnappy,
    inflate: (bytes) => new ReadPieces(() => new SnappyPieces(bytes)),
  },
  {
    name: "lz4",
    decompress: decompressLz4,
    inflate: (bytes) =>
      new ReadPieces(() =>
        new GeneratedPieces(LZ4_DISTANCE_BYTES, (output) => readLz4(bytes, output))
      ),
  },
  {
    name: "zstd",
    decompress: decompressZstd,
    inflate: (bytes) => new ReadPieces(() => openZstd(bytes)),
  },
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

class ReadPieces implements Pieces {
  readonly #open: () => PieceReader | Promise<PieceReader>;
  #reader: PieceReader | null = null;
  #isClosed = false;
  #turnEndMs = performance.now() + TURN_MS;

  constructor(open: () => PieceReader | Promise<PieceReader>) {
    this.#open = open;
  }

  get heldBytes(): number {
    return this.#reader?.heldBytes ?? 0;
  }

  async next(): Promise<Bytes | null> {
    if (performance.now() > this.#turnEndMs) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.#turnEndMs = performance.now() + TURN_MS;
    }
    this.#reader ??= await this.#open();
    if (this.#isClosed) this.#reader.close();
    return this.#reader.next();
  }

  close(): void {
    this.#isClosed = true;
    this.#reader?.close();
  }
}
