import type { Bytes } from "../../../../core/event.ts";
import { type Codec, decompress } from "./codecs.ts";
import { type Pieces, TooFarBackError } from "./pieces.ts";

const MEBIBYTE = 1024 * 1024;

/** A batch larger than this uncompressed is decompressed piece by piece. Most producers send smaller ones. */
const MAX_WHOLE_BYTES = 2 * MEBIBYTE;

/** The memory of an isolate for batches decompressed whole, and as much again for those decompressed in pieces. */
const MAX_BYTES = 16 * MEBIBYTE;

/** A batch that is decompressed whole. */
export interface Whole {
  readonly bytes: Bytes;
  /** Frees the memory of the bytes. May be called again. */
  release(): void;
}

/** Bounds the memory for decompressing the batches of all partitions. */
export class InflationMemory {
  readonly #maxBytes: number;
  #wholeBytes = 0;
  /** The least recently used first. */
  readonly #inPieces = new Set<EvictablePieces>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ maxBytes = MAX_BYTES }: { maxBytes?: number } = {}) {
    this.#maxBytes = maxBytes;
  }

  /** Decompresses whole. Resolves with null when the batch is too large for that or damaged, or memory is short. */
  async whole(codec: Codec, compressed: Bytes): Promise<Whole | null> {
    if (this.#wholeBytes + MAX_WHOLE_BYTES > this.#maxBytes) return null;
    if (compressed.length > MAX_WHOLE_BYTES) return null;
    this.#wholeBytes += MAX_WHOLE_BYTES;
    const bytes = await decompress(codec, compressed, MAX_WHOLE_BYTES).catch(() => null);
    this.#wholeBytes -= MAX_WHOLE_BYTES;
    if (bytes === null) return null;
    let heldBytes = bytes.buffer.byteLength;
    this.#wholeBytes += heldBytes;
    const release = () => {
      this.#wholeBytes -= heldBytes;
      heldBytes = 0;
    };
    return { bytes, release };
  }

  /**
   * Decompresses piece by piece. If others need the memory between two pieces, the decompressor's state is dropped. It
   * then starts from the beginning, and skips the bytes that it has already returned.
   */
  inPieces(codec: Codec, compressed: Bytes): Pieces {
    return new EvictablePieces(codec, {
      compressed,
      used: (pieces) => this.#used(pieces),
      closed: (pieces) => this.#inPieces.delete(pieces),
    });
  }

  /** Runs decompressions one at a time: side by side, they would evict each other's state again and again. */
  inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(run);
    this.#turn = result.catch(() => {});
    return result;
  }

  #used(pieces: EvictablePieces): void {
    this.#inPieces.delete(pieces);
    this.#inPieces.add(pieces);
    let heldBytes = 0;
    for (const each of this.#inPieces) heldBytes += each.heldBytes;
    for (const least of this.#inPieces) {
      if (heldBytes <= this.#maxBytes || least === pieces) return;
      heldBytes -= least.heldBytes;
      least.evict();
      this.#inPieces.delete(least);
    }
  }
}

interface EvictableOptions {
  readonly compressed: Bytes;
  readonly used: (pieces: EvictablePieces) => void;
  readonly closed: (pieces: EvictablePieces) => void;
}

class EvictablePieces implements Pieces {
  readonly #codec: Codec;
  readonly #options: EvictableOptions;
  #pieces: Pieces | null = null;
  #isWide = false;
  /** Bytes returned so far. */
  #position = 0;
  #isClosed = false;

  constructor(codec: Codec, options: EvictableOptions) {
    this.#codec = codec;
    this.#options = options;
  }

  get heldBytes(): number {
    return this.#pieces?.heldBytes ?? 0;
  }

  async next(): Promise<Bytes | null> {
    try {
      return await this.#next();
    } catch (error) {
      if (error instanceof TooFarBackError && !this.#isWide) {
        this.#isWide = true;
        this.evict();
        return await this.next();
      }
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`cannot decompress ${this.#codec.name}: ${reason}`, { cause: error });
    }
  }

  close(): void {
    this.#isClosed = true;
    this.evict();
    this.#options.closed(this);
  }

  evict(): void {
    this.#pieces?.close();
    this.#pieces = null;
  }

  async #next(): Promise<Bytes | null> {
    let toSkip = this.#pieces === null ? this.#position : 0;
    while (!this.#isClosed) {
      this.#pieces ??= this.#codec.inflate(this.#options.compressed, this.#isWide);
      const piece = await this.#pieces.next();
      if (piece === null) this.close();
      if (this.#isClosed || piece === null) break;
      const rest = piece.subarray(toSkip);
      toSkip -= piece.length - rest.length;
      if (rest.length === 0) continue;
      this.#position += rest.length;
      this.#options.used(this);
      return rest;
    }
    return null;
  }
}

/** Shared by all partitions of this isolate. */
export const INFLATION_MEMORY = new InflationMemory();
