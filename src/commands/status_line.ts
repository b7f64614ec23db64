const START_OF_EMPTY_LINE = "\r\x1b[K";
const TEXT_ENCODER = new TextEncoder();

/** Where a status line is shown. */
export interface StatusStream {
  isTerminal(): boolean;
  write(bytes: Uint8Array): Promise<number>;
  writeSync(bytes: Uint8Array): number;
}

/** The last line of a terminal, which is written anew in place. Where there is no terminal, there is no such line. */
export class StatusLine {
  readonly #stream: StatusStream;
  #isShown = false;

  constructor(stream: StatusStream) {
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

  /** Writes some of the bytes in its place, until it is shown again; resolves with how many. */
  writeAbove(bytes: Uint8Array): Promise<number> {
    this.clear();
    return this.#stream.write(bytes);
  }
}
