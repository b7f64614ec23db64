import type { Bytes } from "../../core/event.ts";
import {
  checkBeginning,
  InvalidResponseError,
  parseHead,
  type ResponseHead,
} from "./response_head.ts";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Limit of a head; the number of its headers does not matter. */
const MAX_HEAD_BYTES = 64 * 1024;

/** A head with its bytes, including the empty line at its end. */
export interface HeadInBytes {
  readonly head: ResponseHead;
  readonly bytes: Bytes;
}

/**
 * Finds and parses heads. An endpoint's responses begin alike for a second (with the same `Date`), so the last head is
 * kept: the same bytes are not parsed again.
 */
export class HeadReader {
  readonly #method: string;
  #last: HeadInBytes | null = null;

  /** @param method of the requests, in upper case */
  constructor(method: string) {
    this.#method = method;
  }

  /**
   * Parses the head at the beginning of `bytes`; returns null while it is incomplete.
   *
   * @param searchFrom the earliest position of its end
   * @throws {InvalidResponseError}
   */
  read(bytes: Bytes, searchFrom: number): HeadInBytes | null {
    if (this.#last !== null && beginsWith(bytes, this.#last.bytes)) return this.#last;
    const end = headEnd(bytes, searchFrom);
    if ((end ?? bytes.length) > MAX_HEAD_BYTES) {
      throw new InvalidResponseError("its head is larger than 64 KiB");
    }
    if (end === null) {
      checkBeginning(bytes);
      return null;
    }
    const own = new Uint8Array(bytes.subarray(0, end));
    this.#last = { bytes: own, head: parseHead(own, this.#method) };
    return this.#last;
  }
}

function beginsWith(bytes: Bytes, expected: Bytes): boolean {
  if (bytes.length < expected.length) return false;
  for (let index = 0; index < expected.length; index++) {
    if (bytes[index] !== expected[index]) return false;
  }
  return true;
}

/** The position behind the empty line that ends a head; null if it has not arrived. */
function headEnd(bytes: Bytes, searchFrom: number): number | null {
  let at = bytes.indexOf(LINE_FEED, searchFrom);
  while (at >= 0) {
    const next = bytes[at + 1] === CARRIAGE_RETURN ? at + 2 : at + 1;
    if (bytes[next] === LINE_FEED) return next + 1;
    at = bytes.indexOf(LINE_FEED, at + 1);
  }
  return null;
}
