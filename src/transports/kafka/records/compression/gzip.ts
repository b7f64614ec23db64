import { promisify } from "node:util";
import { createGunzip, gzip } from "node:zlib";
import type { Bytes } from "../../../../core/event.ts";
import { PIECE_BYTES, type Pieces } from "./pieces.ts";

/** zlib's window and tables, and the pieces that its stream has ready. */
const HELD_BYTES = 64 * 1024 + 4 * PIECE_BYTES;

const compress = promisify(gzip);

/** Compresses to one member. */
export async function compressGzip(bytes: Bytes): Promise<Bytes> {
  return await compress(bytes) as Bytes;
}

/** Decompresses members, and verifies the checksum and the length of each. */
export class GzipPieces implements Pieces {
  readonly heldBytes = HELD_BYTES;
  readonly #stream = createGunzip({ chunkSize: PIECE_BYTES });
  readonly #chunks = this.#stream[Symbol.asyncIterator]();
  #piece: Bytes | null = null;
  #isClosed = false;

  constructor(bytes: Bytes) {
    // The iterator reports errors, but only those since its first call.
    this.#stream.on("error", () => {});
    this.#stream.end(bytes);
  }

  async next(): Promise<Bytes | null> {
    this.#freePiece();
    try {
      const { done, value } = await this.#chunks.next();
      // A Buffer's `slice()` would not copy.
      this.#piece = done ? null : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    } catch (error) {
      if (!this.#isClosed) throw reasonOf(error);
    }
    return this.#isClosed ? null : this.#piece;
  }

  close(): void {
    this.#isClosed = true;
    this.#stream.destroy();
  }

  /** V8 would let much of such garbage pile up. A shorter piece shares its memory with the next one. */
  #freePiece(): void {
    const buffer = this.#piece?.buffer;
    if (buffer?.byteLength === this.#piece?.byteLength) buffer?.transfer(0);
    this.#piece = null;
  }
}

function reasonOf(error: unknown): Error {
  const isCutOff = error instanceof Error && "code" in error && error.code === "Z_BUF_ERROR";
  return new Error(isCutOff ? "it is cut off" : "it is damaged");
}
