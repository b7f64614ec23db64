import type { Bytes } from "../../core/event.ts";
import { TooLongError } from "./http_response.ts";
import { type Framing, InvalidResponseError, parseHeaders } from "./response_head.ts";

const LINE_FEED = 0x0a;

/** Limits of a line with a chunk size or a trailer, and of all extensions and trailers together. */
const MAX_LINE_LENGTH = 4 * 1024;
const MAX_EXTRAS_LENGTH = 64 * 1024;

const FIRST_BUFFER_BYTES = 4096;

/** A size below 2^52, then white space, then extensions without control characters. */
// deno-lint-ignore no-control-regex
const CHUNK_SIZE = /^0*([0-9A-Fa-f]{1,13})[\t ]*(;[^\x00-\x08\x0a-\x1f\x7f]*)?$/;

/** @throws {TooLongError} if it will be longer than `maxBytes` */
export function responseBody(framing: Framing, maxBytes: number): ResponseBody {
  return framing === "chunked" ? new ChunkedBody(maxBytes) : new PlainBody(framing, maxBytes);
}

export abstract class ResponseBody {
  readonly #maxBytes: number;
  #buffer: Bytes;
  #length = 0;

  constructor(maxBytes: number, expectedBytes = 0) {
    if (expectedBytes > maxBytes) throw new TooLongError();
    this.#maxBytes = maxBytes;
    this.#buffer = new Uint8Array(expectedBytes);
  }

  abstract readonly isComplete: boolean;

  /**
   * Takes the body's part of the bytes from `start` on; returns the position behind it.
   *
   * @throws {InvalidResponseError}
   * @throws {TooLongError}
   */
  abstract take(bytes: Bytes, start: number): number;

  /** What has arrived so far, in memory that nothing else uses. */
  get bytes(): Bytes {
    const isFull = this.#length === this.#buffer.length;
    return isFull ? this.#buffer : this.#buffer.slice(0, this.#length);
  }

  /** How much has arrived so far, for people: `5 of 10 bytes`. */
  get progress(): string {
    return `${this.#length} bytes`;
  }

  protected get length(): number {
    return this.#length;
  }

  protected append(bytes: Bytes): void {
    const length = this.#length + bytes.length;
    if (length > this.#maxBytes) throw new TooLongError();
    if (length > this.#buffer.length) {
      const buffer = new Uint8Array(Math.max(length, 2 * this.#buffer.length, FIRST_BUFFER_BYTES));
      buffer.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = buffer;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = length;
  }
}

/** A body with a known length, or one that ends where the connection ends. */
class PlainBody extends ResponseBody {
  readonly #expectedBytes: number;

  constructor(framing: number | "untilClosed", maxBytes: number) {
    const isSized = framing !== "untilClosed";
    super(maxBytes, isSized ? framing : 0);
    this.#expectedBytes = isSized ? framing : Infinity;
  }

  get isComplete(): boolean {
    return this.length === this.#expectedBytes;
  }

  override get progress(): string {
    return this.#expectedBytes === Infinity
      ? super.progress
      : `${this.length} of ${this.#expectedBytes} bytes`;
  }

  take(bytes: Bytes, start: number): number {
    const end = Math.min(start + this.#expectedBytes - this.length, bytes.length);
    this.append(bytes.subarray(start, end));
    return end;
  }
}

/**
 * A chunked body (RFC 9112, 7.1). Chunk extensions and valid trailers are ignored. Unlike in a head, lines between
 * chunks must end with CR LF: with a line feed alone, a chunk that lacks a byte would pass for complete.
 */
class ChunkedBody extends ResponseBody {
  #next: "size" | "data" | "endOfData" | "trailer" | "nothing" = "size";
  /** The line so far, one character for each byte. */
  #line = "";
  #chunkRest = 0;
  readonly #trailers: string[] = [];
  #extrasLength = 0;

  get isComplete(): boolean {
    return this.#next === "nothing";
  }

  take(bytes: Bytes, start: number): number {
    let position = start;
    while (position < bytes.length && !this.isComplete) {
      position = this.#next === "data"
        ? this.#takeData(bytes, position)
        : this.#takeLine(bytes, position);
    }
    return position;
  }

  #takeData(bytes: Bytes, start: number): number {
    const end = Math.min(start + this.#chunkRest, bytes.length);
    this.append(bytes.subarray(start, end));
    this.#chunkRest -= end - start;
    if (this.#chunkRest === 0) this.#next = "endOfData";
    return end;
  }

  #takeLine(bytes: Bytes, start: number): number {
    const lineFeed = bytes.indexOf(LINE_FEED, start);
    const end = lineFeed < 0 ? bytes.length : lineFeed;
    this.#checkLength(this.#line.length + end - start);
    this.#line += String.fromCharCode(...bytes.subarray(start, end));
    if (lineFeed < 0) return end;
    const line = this.#line;
    this.#line = "";
    if (this.#next === "trailer") this.#endTrailer(line);
    else if (line.endsWith("\r")) this.#endLine(line.slice(0, -1));
    else throw new InvalidResponseError("a line between its chunks does not end with CR LF");
    return end + 1;
  }

  /** Checks the limits before a part of a line is kept. */
  #checkLength(length: number): void {
    if (length > MAX_LINE_LENGTH) {
      throw new InvalidResponseError("a line with its chunks is longer than 4 KiB");
    }
    if (this.#extrasLength + length > MAX_EXTRAS_LENGTH) {
      throw new InvalidResponseError(
        "extensions of its chunks and trailers are larger than 64 KiB",
      );
    }
  }

  #endLine(line: string): void {
    if (this.#next === "endOfData") {
      if (line !== "") throw new InvalidResponseError("a chunk is longer than its size");
      this.#next = "size";
      return;
    }
    const [, size, extensions = ""] = CHUNK_SIZE.exec(line) ?? [];
    if (size === undefined) throw new InvalidResponseError("a chunk has an invalid size");
    this.#extrasLength += extensions.length;
    this.#chunkRest = Number.parseInt(size, 16);
    this.#next = this.#chunkRest === 0 ? "trailer" : "data";
  }

  #endTrailer(line: string): void {
    this.#extrasLength += line.length;
    const trailer = line.endsWith("\r") ? line.slice(0, -1) : line;
    if (trailer !== "") {
      this.#trailers.push(trailer);
      return;
    }
    parseHeaders(this.#trailers);
    this.#next = "nothing";
  }
}
