import type { Bytes } from "../../event.ts";
import { InvalidResponseError, parseHead, type ResponseHead } from "./response_head.ts";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

const MAX_HEAD_BYTES = 32 * 1024;

/** A head with the place where it ends. */
export interface HeadInBytes {
  readonly head: ResponseHead;
  readonly length: number;
}

/**
 * Finds and reads heads. Responses of one endpoint begin alike for the time of a second (its `Date` does), so the last
 * head is remembered, and what has the same bytes need not be read again.
 */
export class HeadReader {
  readonly #method: string;
  #lastBytes: Bytes = new Uint8Array();
  #last: HeadInBytes | null = null;

  /** @param method of the requests, in upper case */
  constructor(method: string) {
    this.#method = method;
  }

  /**
   * Reads the head that begins at `start`; returns null when it has not come in full.
   *
   * @throws {InvalidResponseError}
   */
  read(bytes: Bytes, start: number): HeadInBytes | null {
    if (this.#last !== null && this.#isLast(bytes, start)) return this.#last;
    const end = headEnd(bytes, start);
    if ((end ?? bytes.length) - start > MAX_HEAD_BYTES) {
      throw new InvalidResponseError("its head is too large");
    }
    if (end === null) return null;
    this.#lastBytes = bytes.slice(start, end);
    this.#last = { head: parseHead(this.#lastBytes, this.#method), length: end - start };
    return this.#last;
  }

  #isLast(bytes: Bytes, start: number): boolean {
    const last = this.#lastBytes;
    if (bytes.length - start < last.length) return false;
    for (let index = 0; index < last.length; index++) {
      if (bytes[start + index] !== last[index]) return false;
    }
    return true;
  }
}

/** The position behind the empty line that ends a head; null when it has not come. */
function headEnd(bytes: Bytes, start: number): number | null {
  for (let at = bytes.indexOf(LINE_FEED, start); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) {
    const next = bytes[at + 1] === CARRIAGE_RETURN ? at + 2 : at + 1;
    if (bytes[next] === LINE_FEED) return next + 1;
  }
  return null;
}
