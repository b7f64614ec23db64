import type { Bytes } from "../../../src/core/event.ts";
import type { Stream } from "../../../src/transports/http1/stream.ts";
import { bytes } from "../events.ts";

/** The server's end of a connection without a network. */
export class FakeServerConnection implements Stream {
  /** What the client has written, as text. */
  received = "";
  isClosedByClient = false;
  /** While set, nothing is taken of what the client writes. */
  isStuck = false;
  #arrived: (Bytes | null | Error)[] = [];
  #reading: (() => void) | undefined;
  readonly #stuck: (() => void)[] = [];

  /** Comes to the client as soon as it reads. */
  send(text: string): void {
    this.#arrive(bytes(text));
  }

  /** Answers 200 with this body. */
  respond(body = "", headers = ""): void {
    this.send(`HTTP/1.1 200 OK\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`);
  }

  /** Closes the connection; with an error, resets it. */
  end(error?: Error): void {
    this.#arrive(error ?? null);
  }

  /** Ends the writes that are stuck. */
  unstick(): void {
    this.isStuck = false;
    for (const go of this.#stuck.splice(0)) go();
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    if (this.#arrived.length === 0) await new Promise<void>((resolve) => this.#reading = resolve);
    if (this.isClosedByClient) throw new Deno.errors.Interrupted("operation canceled");
    const next = this.#arrived.shift();
    if (next instanceof Error) throw next;
    if (next === null || next === undefined) return null;
    buffer.set(next);
    return next.length;
  }

  async write(data: Uint8Array): Promise<number> {
    if (this.isStuck) await new Promise<void>((resolve) => this.#stuck.push(resolve));
    this.received += new TextDecoder().decode(data);
    return data.length;
  }

  close(): void {
    this.isClosedByClient = true;
    this.#reading?.();
  }

  #arrive(what: Bytes | null | Error): void {
    this.#arrived.push(what);
    this.#reading?.();
  }
}
