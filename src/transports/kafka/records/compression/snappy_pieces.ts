import type { Bytes } from "../../../../core/event.ts";
import { GeneratedPieces, TooFarBackError } from "./inflated_pieces.ts";
import type { PieceReader } from "./piece_reader.ts";
import { readSnappy } from "./snappy.ts";

/** Back-references of most encoders reach no further. */
const USUAL_DISTANCE_BYTES = 64 * 1024;

/** The limit for other encoders, as the format allows a longer reach. */
const MAX_DISTANCE_BYTES = 8 * 1024 * 1024;

/**
 * Decompresses with the little memory that most batches need. When a back-reference reaches further, it starts again
 * with more memory, and skips the bytes that it has already returned.
 */
export class SnappyPieces implements PieceReader {
  readonly #bytes: Bytes;
  #pieces: GeneratedPieces;
  #isWide = false;
  #givenBytes = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
    this.#pieces = this.#open(USUAL_DISTANCE_BYTES);
  }

  get heldBytes(): number {
    return this.#pieces.heldBytes;
  }

  next(): Bytes | null {
    try {
      return this.#give(this.#pieces.next());
    } catch (error) {
      if (!(error instanceof TooFarBackError) || this.#isWide) throw error;
      this.#isWide = true;
      this.#pieces = this.#open(MAX_DISTANCE_BYTES);
      return this.#give(this.#passOver(this.#givenBytes));
    }
  }

  close(): void {
    this.#pieces.close();
  }

  #open(maxKept: number): GeneratedPieces {
    return new GeneratedPieces(maxKept, (output) => readSnappy(this.#bytes, output));
  }

  #give(piece: Bytes | null): Bytes | null {
    this.#givenBytes += piece?.length ?? 0;
    return piece;
  }

  /** Skips `count` bytes, and returns the rest of the piece in which they end. */
  #passOver(count: number): Bytes | null {
    for (let passed = 0;;) {
      const piece = this.#pieces.next();
      if (piece === null || passed + piece.length > count) {
        return piece?.subarray(count - passed) ?? null;
      }
      passed += piece.length;
    }
  }
}
