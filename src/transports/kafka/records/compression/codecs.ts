import type { Bytes } from "../../../../core/event.ts";
import { decompressGzip } from "./gzip.ts";
import { readGzip } from "./gzip_reader.ts";
import { InflatedPieces } from "./inflated_pieces.ts";
import type { InflatedOutput } from "./inflated_output.ts";
import { decompressLz4, readLz4 } from "./lz4.ts";
import { decompressSnappy, readSnappy } from "./snappy.ts";
import { decompressZstd } from "./zstd.ts";
import { readZstd, windowBytes } from "./zstd_frames.ts";

const CODEC_MASK = 0x07;
const GZIP_DISTANCE_BYTES = 32 * 1024;
const LZ4_DISTANCE_BYTES = 64 * 1024;

/**
 * How far back snappy and zstd may refer. RFC 8878 (3.1.1.1.2) has every decoder of zstd reach so far, and encoders not
 * go beyond; what refers further back within less than this is read as well.
 */
const MAX_DISTANCE_BYTES = 8 * 1024 * 1024;

/** How long decompressing may keep everything else from going on. */
const TURN_MS = 10;

/** What was compressed, as it comes out piece by piece. */
export interface Pieces {
  /** How much memory it takes between two pieces. */
  readonly heldBytes: number;
  /** Resolves with null behind the last one. A piece changes when the next one comes. @throws {Error} when it is damaged */
  next(): Promise<Bytes | null>;
  /** Gives up what it holds. */
  close(): void;
}

/** How to undo a compression. */
export interface Codec {
  readonly name: string;
  /** @throws {Error} when it is damaged, or takes more than `maxLength` bytes */
  decompress(bytes: Bytes, maxLength: number): Bytes | Promise<Bytes>;
  inflate(bytes: Bytes): Pieces;
}

const CODECS: readonly (Codec | null)[] = [
  null,
  {
    name: "gzip",
    decompress: decompressGzip,
    inflate: (bytes) => new ReadPieces(GZIP_DISTANCE_BYTES, (output) => readGzip(bytes, output)),
  },
  {
    name: "snappy",
    decompress: decompressSnappy,
    inflate: (bytes) => new ReadPieces(MAX_DISTANCE_BYTES, (output) => readSnappy(bytes, output)),
  },
  {
    name: "lz4",
    decompress: decompressLz4,
    inflate: (bytes) => new ReadPieces(LZ4_DISTANCE_BYTES, (output) => readLz4(bytes, output)),
  },
  {
    name: "zstd",
    decompress: decompressZstd,
    inflate: (bytes) => {
      const maxDistance = Math.min(windowBytes(bytes), MAX_DISTANCE_BYTES);
      return new ReadPieces(maxDistance, (output) => readZstd(bytes, output));
    },
  },
];

/**
 * The codec that the attributes of a batch name; null when it is not compressed.
 *
 * @throws {Error} when they name none that is known
 */
export function codecOf(attributes: number): Codec | null {
  const codec = CODECS[attributes & CODEC_MASK];
  if (codec === undefined) throw new Error(`its codec ${attributes & CODEC_MASK} is unknown`);
  return codec;
}

class ReadPieces implements Pieces {
  readonly #output: InflatedPieces;
  readonly #reading: Generator<void, void>;
  #turnEndMs = performance.now() + TURN_MS;

  constructor(maxDistance: number, read: (output: InflatedOutput) => Generator<void, void>) {
    this.#output = new InflatedPieces(maxDistance);
    this.#reading = read(this.#output);
  }

  get heldBytes(): number {
    return this.#output.heldBytes;
  }

  async next(): Promise<Bytes | null> {
    if (performance.now() > this.#turnEndMs) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.#turnEndMs = performance.now() + TURN_MS;
    }
    const { done } = this.#reading.next();
    const piece = this.#output.take();
    return done && piece.length === 0 ? null : piece;
  }

  close(): void {
    this.#reading.return();
  }
}
