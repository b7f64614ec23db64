import type { Bytes } from "../../src/event.ts";

const END_OF_HEAD = "\r\n\r\n";
const HEAD_BYTES = 16 * 1024;
const LATIN_1 = new TextDecoder("latin1");

/** A request as far as the endpoint looks at it. */
export interface EndpointRequest {
  readonly path: string;
  /** Where the event stands, as eventor says; -1 when it does not. */
  readonly partition: number;
  readonly offset: number;
  readonly head: string;
  readonly body: Bytes;
}

/** Takes requests out of a connection, one after the other. */
export class RequestReader {
  readonly #connection: Deno.TcpConn;
  #bytes: Bytes = new Uint8Array(HEAD_BYTES);
  #length = 0;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Resolves with null when the other side has closed. */
  async next(): Promise<EndpointRequest | null> {
    let headEnd = -1;
    let head = "";
    for (;;) {
      head = LATIN_1.decode(this.#bytes.subarray(0, this.#length));
      headEnd = head.indexOf(END_OF_HEAD);
      if (headEnd >= 0) break;
      if (!await this.#readMore()) return null;
    }
    head = head.slice(0, headEnd + 2);
    const bodyStart = headEnd + END_OF_HEAD.length;
    const end = bodyStart + numberIn(head, /\r\ncontent-length: *(\d+)/i, 0);
    while (this.#length < end) {
      if (!await this.#readMore()) return null;
    }
    const body = this.#bytes.slice(bodyStart, end);
    this.#bytes.copyWithin(0, end, this.#length);
    this.#length -= end;
    return {
      path: head.slice(head.indexOf(" ") + 1, head.indexOf(" HTTP/")),
      partition: numberIn(head, /\r\neventor-partition: *(\d+)/i, -1),
      offset: numberIn(head, /\r\neventor-offset: *(\d+)/i, -1),
      head,
      body,
    };
  }

  async #readMore(): Promise<boolean> {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    const count = await this.#connection.read(this.#bytes.subarray(this.#length));
    if (count === null) return false;
    this.#length += count;
    return true;
  }
}

function numberIn(head: string, pattern: RegExp, otherwise: number): number {
  const text = pattern.exec(head)?.[1];
  return text === undefined ? otherwise : Number(text);
}
