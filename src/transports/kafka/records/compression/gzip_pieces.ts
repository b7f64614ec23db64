import type { ZStream } from "pako";
import type { Bytes } from "../../../../core/event.ts";
import type { PieceReader } from "./piece_reader.ts";

const PIECE_BYTES = 64 * 1024;
/** Memory in addition to the piece: the window of 32 KiB, and the code tables. */
const STATE_BYTES = 64 * 1024;

/** zlib's parameter for a window of 32 KiB (15) in the gzip format (16). */
const WINDOW_BITS = 15 + 16;

type Pako = typeof import("pako");

/** Starts to decompress gzip members. The library is loaded for large batches only. */
export async function openGzip(bytes: Bytes): Promise<PieceReader> {
  return new GzipPieces(await import("pako"), bytes);
}

/**
 * Verifies the checksum and the length of each member. `node:zlib` is faster, but allocates as much as it outputs; this
 * reuses one buffer.
 */
class GzipPieces implements PieceReader {
  readonly heldBytes = PIECE_BYTES + STATE_BYTES;
  readonly #pako: Pako;
  readonly #stream: ZStream;
  readonly #output = new Uint8Array(PIECE_BYTES);
  #hasEnded = false;

  constructor(pako: Pako, bytes: Bytes) {
    this.#pako = pako;
    this.#stream = new pako.ZStream();
    pako.zlibInflateInit2(this.#stream, WINDOW_BITS);
    this.#stream.input = bytes;
    this.#stream.avail_in = bytes.length;
  }

  next(): Bytes | null {
    if (this.#hasEnded) return null;
    const { zlibInflate, zlibInflateReset, Z_NO_FLUSH, Z_OK, Z_BUF_ERROR, Z_STREAM_END } =
      this.#pako;
    const stream = this.#stream;
    stream.output = this.#output;
    stream.next_out = 0;
    stream.avail_out = PIECE_BYTES;
    const status = zlibInflate(stream, Z_NO_FLUSH);
    if (status === Z_STREAM_END) {
      this.#hasEnded = stream.avail_in === 0;
      zlibInflateReset(stream);
    } else if (status === Z_BUF_ERROR || status === Z_OK && stream.avail_out > 0) {
      throw new Error("it is cut off");
    } else if (status !== Z_OK) {
      throw new Error("it is damaged");
    }
    return this.#output.subarray(0, stream.next_out);
  }

  close(): void {
    this.#hasEnded = true;
  }
}
