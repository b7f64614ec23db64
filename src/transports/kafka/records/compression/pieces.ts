import type { Bytes } from "../../../../core/event.ts";

/** The usual size of a piece. */
export const PIECE_BYTES = 64 * 1024;

const FIRST_BYTES = 16 * 1024;
/** How much more is collected before old bytes are dropped, as moving the rest takes time. */
const SLACK_BYTES = 1024 * 1024;

/** How long decompression may block the event loop. */
const TURN_MS = 10;

/** From this length on, a bulk copy is faster than byte by byte. */
const LONG = 32;

/** The uncompressed content of a batch, piece by piece. */
export interface Pieces {
  /** Bytes of memory held between two pieces. */
  readonly heldBytes: number;
  /**
   * Resolves with null after the last one. A piece may be empty, and is valid until the next call.
   *
   * @throws {Error} for damaged input
   */
  next(): Promise<Bytes | null>;
  /** Frees its memory. May be called again. */
  close(): void;
}

/** Runs a decompressor piece by piece, and lets other work run in between. */
export class GeneratedPieces implements Pieces {
  readonly #memory: Pick<Pieces, "heldBytes">;
  readonly #pieces: Generator<Bytes, void> | AsyncGenerator<Bytes, void>;
  #turnEndMs = performance.now() + TURN_MS;

  /** @param memory that the decompressor holds */
  constructor(
    memory: Pick<Pieces, "heldBytes">,
    pieces: Generator<Bytes, void> | AsyncGenerator<Bytes, void>,
  ) {
    this.#memory = memory;
    this.#pieces = pieces;
  }

  get heldBytes(): number {
    return this.#memory.heldBytes;
  }

  async next(): Promise<Bytes | null> {
    if (performance.now() > this.#turnEndMs) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.#turnEndMs = performance.now() + TURN_MS;
    }
    return (await this.#pieces.next()).value ?? null;
  }

  close(): void {
    void this.#pieces.return();
  }
}

/** A back-reference reaches beyond the bytes that are kept. */
export class TooFarBackError extends Error {
  override readonly name = "TooFarBackError";

  /** @param maxKept how many bytes a back-reference may reach */
  constructor(maxKept: number) {
    super(`it repeats what stands more than ${maxKept / 1024 / 1024} MiB before`);
  }
}

/** Collects the output of a decompressor, and keeps as much of it as back-references may need. */
export class PieceWriter {
  readonly #maxKept: number;
  #bytes: Bytes = new Uint8Array(FIRST_BYTES);
  #length = 0;
  #taken = 0;
  #hasDropped = false;

  /** @param maxKept how many bytes a back-reference may reach */
  constructor(maxKept: number) {
    this.#maxKept = maxKept;
  }

  /** Whether the output should be taken before more is added. */
  get isFull(): boolean {
    return this.#length - this.#taken >= PIECE_BYTES;
  }

  get heldBytes(): number {
    return this.#bytes.length;
  }

  /** The output since the last call, valid until more output comes. */
  take(): Bytes {
    const piece = this.#bytes.subarray(this.#taken, this.#length);
    this.#taken = this.#length;
    return piece;
  }

  /** Adds a part of `source`. @throws {Error} when `source` ends before `end` */
  append(source: Bytes, start: number, end: number): void {
    if (end > source.length) throw new Error("it is cut off");
    const count = end - start;
    this.#makeRoomFor(count);
    const bytes = this.#bytes;
    if (count < LONG) {
      const shift = this.#length - start;
      for (let index = start; index < end; index++) bytes[index + shift] = source[index]!;
    } else {
      bytes.set(source.subarray(start, end), this.#length);
    }
    this.#length += count;
  }

  /**
   * Adds up to `count` bytes from `distance` bytes back; if `count` is larger than `distance`, they repeat. Returns how
   * many it added: all, unless it is full then.
   *
   * @throws {Error} when `distance` reaches too far back
   */
  repeat(distance: number, count: number): number {
    const counted = Math.min(count, PIECE_BYTES);
    this.#makeRoomFor(counted);
    if (distance < 1) throw new Error("it is damaged");
    if (distance > this.#length) {
      throw this.#hasDropped ? new TooFarBackError(this.#maxKept) : new Error("it is damaged");
    }
    const bytes = this.#bytes;
    const end = this.#length + counted;
    if (counted < LONG) {
      for (let to = this.#length; to < end; to++) bytes[to] = bytes[to - distance]!;
    } else {
      const start = this.#length - distance;
      // Each copy doubles the bytes to copy from.
      for (let to = this.#length; to < end; to = start + 2 * (to - start)) {
        bytes.copyWithin(to, start, start + Math.min(to - start, end - to));
      }
    }
    this.#length = end;
    return counted;
  }

  #makeRoomFor(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const largest = this.#maxKept + SLACK_BYTES + 2 * PIECE_BYTES;
    if (this.#bytes.length >= largest) this.#drop();
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(needed, Math.min(2 * this.#bytes.length, largest)));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
  }

  /** Drops the bytes that no back-reference may reach. */
  #drop(): void {
    const surplus = Math.min(this.#length - this.#maxKept, this.#taken);
    if (surplus <= 0) return;
    this.#bytes.copyWithin(0, surplus, this.#length);
    this.#length -= surplus;
    this.#taken -= surplus;
    this.#hasDropped = true;
  }
}
