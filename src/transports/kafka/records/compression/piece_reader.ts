import type { Bytes } from "../../../../core/event.ts";

/** Decompresses piece by piece, synchronously. */
export interface PieceReader {
  /** Bytes of memory held between two pieces. */
  readonly heldBytes: number;
  /**
   * Returns null after the last piece. A piece may be empty, and is valid until the next call.
   *
   * @throws {Error} when the input is damaged
   */
  next(): Bytes | null;
  /** Frees its memory. May be called again. */
  close(): void;
}
