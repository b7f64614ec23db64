import type { Bytes } from "../../../../core/event.ts";

/** Decompresses piece by piece, without a pause. */
export interface PieceReader {
  /** How much memory it takes between two pieces. */
  readonly heldBytes: number;
  /**
   * Returns null behind the last piece. A piece may be empty, and changes when the next one comes.
   *
   * @throws {Error} when it is damaged
   */
  next(): Bytes | null;
  /** Gives up what it holds. May be called again. */
  close(): void;
}
