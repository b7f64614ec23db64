import { Buffer } from "node:buffer";

const SIZE_BYTES = 4;
const CORRELATION_ID_BYTES = 4;

/** The first bytes of an HTTP response, read as a frame size. */
const HTTP = Buffer.from("HTTP").readInt32BE();

/** A connection received something other than a Kafka response, or one that is too large. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/** Splits the bytes of a connection into responses. Uses no more memory than the bytes received. */
export class ResponseFrames {
  readonly #maxBytes: number;
  /** The part of a frame's size field received so far. */
  readonly #size = Buffer.alloc(SIZE_BYTES);
  #sizeBytes = 0;
  /** A frame received in part. */
  #frame: Buffer | null = null;
  #frameBytes = 0;
  #isBroken = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether an invalid response arrived, after which nothing can be trusted. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /**
   * Takes received bytes and yields each response that they complete, without its size field. Responses may share
   * memory with `bytes`.
   *
   * @throws {FrameError} for an invalid or too large response, and for all bytes after it
   */
  *push(bytes: Buffer): Generator<Buffer> {
    for (let position = 0; position < bytes.length;) {
      if (this.#isBroken) throw new FrameError("bytes after an invalid response are not read");
      if (this.#frame === null) {
        const sizeEnd = Math.min(position + SIZE_BYTES - this.#sizeBytes, bytes.length);
        bytes.copy(this.#size, this.#sizeBytes, position, sizeEnd);
        this.#sizeBytes += sizeEnd - position;
        position = sizeEnd;
        if (this.#sizeBytes < SIZE_BYTES) return;
        this.#sizeBytes = 0;
        const size = this.#checkedSize();
        if (position + size <= bytes.length) {
          yield bytes.subarray(position, position + size);
          position += size;
          continue;
        }
        // Untouched pages take no memory, so a peer that announces much but sends nothing costs nothing.
        const { buffer } = new Uint8Array(size);
        this.#frame = Buffer.from(buffer);
        this.#frameBytes = 0;
      }
      const count = Math.min(this.#frame.length - this.#frameBytes, bytes.length - position);
      bytes.copy(this.#frame, this.#frameBytes, position, position + count);
      this.#frameBytes += count;
      position += count;
      if (this.#frameBytes < this.#frame.length) return;
      const frame = this.#frame;
      this.#frame = null;
      yield frame;
    }
  }

  #checkedSize(): number {
    const size = this.#size.readInt32BE();
    if (size >= CORRELATION_ID_BYTES && size <= this.#maxBytes) return size;
    this.#isBroken = true;
    if (size === HTTP) {
      throw new FrameError("it answers by HTTP, not by Kafka's protocol: correct the port");
    }
    if (size < CORRELATION_ID_BYTES) {
      throw new FrameError(
        `it sent a response of ${size} bytes, which Kafka's protocol does not know: correct the port`,
      );
    }
    throw new FrameError(
      `it announced a response of ${size} bytes, more than receive.message.max.bytes ` +
        `(${this.#maxBytes}): correct the port, or raise receive.message.max.bytes`,
    );
  }
}
