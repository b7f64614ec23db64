import type { Bytes } from "../src/core/event.ts";

const END_OF_HEAD = "\r\n\r\n";
const HEAD_BYTES = 16 * 1024;
const LATIN_1 = new TextDecoder("latin1");

/** Fewer than any request has before its headers end. */
const SURELY_HEAD_BYTES = 256;
/** Fewer than any value of an event source has. */
const STEP_BYTES = 8;

/** What stands before the body of a request, as far as the endpoint looks at it. */
export interface RequestHead {
  readonly path: string;
  /** Where the event stands, as eventor says; -1 when it does not. */
  readonly partition: number;
  readonly offset: number;
  /** Which call for the event it is, as eventor says; -1 when it does not. */
  readonly attempt: number;
  /** Of the event, as eventor writes it; empty when it does not. */
  readonly key: string;
  readonly head: string;
}

/** A request as far as the endpoint looks at it. */
export interface EndpointRequest extends RequestHead {
  readonly body: Bytes;
}

/** Takes requests out of a connection, one after the other: first its head, then its body. */
export class RequestReader {
  readonly #connection: Deno.TcpConn;
  #bytes: Bytes = new Uint8Array(HEAD_BYTES);
  #length = 0;
  #bodyStart = 0;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /**
   * Resolves with null when the other side has closed.
   *
   * @param leavesBody reads in small steps, so that a part of the body stays unread: who closes the connection then resets
   * it
   */
  async nextHead({ leavesBody = false } = {}): Promise<RequestHead | null> {
    let headEnd = -1;
    let head = "";
    for (;;) {
      head = LATIN_1.decode(this.#bytes.subarray(0, this.#length));
      headEnd = head.indexOf(END_OF_HEAD);
      if (headEnd >= 0) break;
      const atMost = this.#length < SURELY_HEAD_BYTES ? SURELY_HEAD_BYTES : STEP_BYTES;
      if (!await this.#readMore(leavesBody ? atMost : Infinity)) return null;
    }
    head = head.slice(0, headEnd + 2);
    this.#bodyStart = headEnd + END_OF_HEAD.length;
    return {
      path: head.slice(head.indexOf(" ") + 1, head.indexOf(" HTTP/")),
      partition: numberIn(head, /\r\neventor-partition: *(\d+)/i, -1),
      offset: numberIn(head, /\r\neventor-offset: *(\d+)/i, -1),
      attempt: numberIn(head, /\r\neventor-attempt: *(\d+)/i, -1),
      key: /\r\neventor-key: *([^\r]*)/i.exec(head)?.[1] ?? "",
      head,
    };
  }

  /** The body behind a head; null when the other side has closed. */
  async bodyOf({ head }: RequestHead): Promise<Bytes | null> {
    const end = this.#bodyStart + numberIn(head, /\r\ncontent-length: *(\d+)/i, 0);
    while (this.#length < end) {
      if (!await this.#readMore()) return null;
    }
    const body = this.#bytes.slice(this.#bodyStart, end);
    this.#bytes.copyWithin(0, end, this.#length);
    this.#length -= end;
    return body;
  }

  async #readMore(atMost = Infinity): Promise<boolean> {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    const end = Math.min(this.#length + atMost, this.#bytes.length);
    const count = await this.#connection.read(this.#bytes.subarray(this.#length, end));
    if (count === null) return false;
    this.#length += count;
    return true;
  }
}

function numberIn(head: string, pattern: RegExp, otherwise: number): number {
  const text = pattern.exec(head)?.[1];
  return text === undefined ? otherwise : Number(text);
}
