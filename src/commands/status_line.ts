import type { Writer } from "../process/console.ts";

const START_OF_EMPTY_LINE = "\r\x1b[K";
const TEXT_ENCODER = new TextEncoder();

type Stream = Pick<typeof Deno.stderr, "isTerminal" | "write" | "writeSync">;

/** The last line of a terminal, rewritten in place. Without a terminal, it shows nothing. */
export class StatusLine implements Writer {
  readonly #stream: Stream;
  #isShown = false;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  show(text: string): void {
    if (!this.#stream.isTerminal()) return;
    this.#stream.writeSync(TEXT_ENCODER.encode(START_OF_EMPTY_LINE + text));
    this.#isShown = true;
  }

  clear(): void {
    if (!this.#isShown) return;
    this.#stream.writeSync(TEXT_ENCODER.encode(START_OF_EMPTY_LINE));
    this.#isShown = false;
  }

  /** Removes the line and writes some of the bytes in its place; resolves with their number. */
  write(bytes: Uint8Array): Promise<number> {
    this.clear();
    return this.#stream.write(bytes);
  }
}
