import type { OutboundRecord, ResultProcessor } from "../../core/result_processor.ts";
import type { StdoutConfig } from "./config.ts";
import { formatJsonLine } from "./json_line.ts";

const TEXT_ENCODER = new TextEncoder();
const NEWLINE = TEXT_ENCODER.encode("\n");

/** Writes one record per line to a byte stream. Lines stay whole and in order; it waits for a slow reader. */
export class StdoutResultProcessor implements ResultProcessor {
  readonly #config: StdoutConfig;
  readonly #write: (bytes: Uint8Array) => Promise<number>;
  #lastWrite: Promise<void> = Promise.resolve();
  #written = 0;

  /** @param write writes some of the bytes and resolves with their number, as `Deno.stdout.write` does */
  constructor(
    config: StdoutConfig,
    write: (bytes: Uint8Array) => Promise<number>,
  ) {
    this.#config = config;
    this.#write = write;
  }

  async process(record: OutboundRecord): Promise<string> {
    const place = `stdout@${this.#written++}`;
    const line = this.#format(record);
    this.#lastWrite = this.#lastWrite.then(() => this.#writeAll(line));
    await this.#lastWrite;
    return place;
  }

  #format(record: OutboundRecord): Uint8Array {
    if (this.#config.format === "json") return TEXT_ENCODER.encode(formatJsonLine(record) + "\n");
    const value = record.value ?? new Uint8Array();
    const line = new Uint8Array(value.length + NEWLINE.length);
    line.set(value);
    line.set(NEWLINE, value.length);
    return line;
  }

  /** @throws {Deno.errors.BrokenPipe} when the reader is gone: no other will come, so the pipeline ends */
  async #writeAll(bytes: Uint8Array): Promise<void> {
    try {
      for (let start = 0; start < bytes.length;) start += await this.#write(bytes.subarray(start));
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      throw new Deno.errors.BrokenPipe("standard output was closed by its reader", {
        cause: error,
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lastWrite.catch(() => {});
  }
}
