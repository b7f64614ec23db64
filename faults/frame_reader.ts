import type { Bytes } from "../src/core/event.ts";

const SIZE_BYTES = 4;

/** Frames up to this size come whole: those in which a broker tells addresses are smaller. */
const MAX_WHOLE_BYTES = 64 * 1024;

/** Reads what Kafka sends, frame by frame: a size in four bytes, and as many bytes. Reads no byte too many. */
export class FrameReader {
  readonly #connection: Deno.TcpConn;
  readonly #size: Bytes = new Uint8Array(SIZE_BYTES);

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Reads the size of the next frame; the rest of it stays unread until `pieces()`. Resolves with false at the end. */
  async begin(): Promise<boolean> {
    return await this.#fill(this.#size);
  }

  /** The frame that has begun, in one piece when it is small. */
  async *pieces(): AsyncGenerator<Bytes> {
    const size = new DataView(this.#size.buffer).getInt32(0);
    let piece = new Uint8Array(SIZE_BYTES + Math.min(size, MAX_WHOLE_BYTES));
    piece.set(this.#size);
    let unread = size - (piece.length - SIZE_BYTES);
    if (!await this.#fill(piece.subarray(SIZE_BYTES))) return;
    yield piece;
    while (unread > 0) {
      piece = new Uint8Array(Math.min(unread, MAX_WHOLE_BYTES));
      unread -= piece.length;
      if (!await this.#fill(piece)) return;
      yield piece;
    }
  }

  async #fill(bytes: Bytes): Promise<boolean> {
    for (let filled = 0; filled < bytes.length;) {
      const count = await this.#connection.read(bytes.subarray(filled));
      if (count === null) return false;
      filled += count;
    }
    return true;
  }
}
