import { aborted } from "../../core/backoff.ts";
import { Delivery } from "../../core/delivery.ts";
import type { Bytes, InboundEvent } from "../../core/event.ts";
import type { Lease } from "../../core/lease.ts";
import { type Deliver, EventNotSettledError, type Listener } from "../../core/listener.ts";
import type { Limits } from "../../core/transport.ts";
import type { StdinListenerConfig } from "./config.ts";
import { parseJsonLine } from "./json_line.ts";
import { lineOrigin, readLines } from "./lines.ts";

const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** Limit of lines that are delivered and not settled. */
const MAX_UNSETTLED = 1000;

/** Reads one event per line from a byte stream, and ends with the stream. */
export class StdinListener implements Listener {
  readonly #config: StdinListenerConfig;
  readonly #input: ReadableStream<Bytes>;
  readonly #maxBytes: number;

  constructor(
    config: StdinListenerConfig,
    input: ReadableStream<Bytes>,
    { maxBufferedBytes }: Pick<Limits, "maxBufferedBytes">,
  ) {
    this.#config = config;
    this.#input = input;
    this.#maxBytes = maxBufferedBytes;
  }

  /** @throws {SyntaxError} at a line that is invalid or too long; earlier lines settle, later ones stay unread */
  async listen(deliver: Deliver, lease: Lease): Promise<void> {
    const unsettled = new Set<Promise<void>>();
    const failed = new AbortController();
    let index = 0;
    let unsettledBytes = 0;
    let oneSettled = Promise.withResolvers<void>();

    const deliverAll = async () => {
      for await (const line of readLines(this.#input, MAX_LINE_BYTES)) {
        if (lease.ending.aborted || failed.signal.aborted) return;
        const settled = deliver(new Delivery(this.#toEvent(line, index), lease))
          .catch((error) => {
            if (!(error instanceof EventNotSettledError)) failed.abort(error);
          })
          .finally(() => {
            unsettled.delete(settled);
            unsettledBytes -= line.length;
            oneSettled.resolve();
          });
        index++;
        unsettled.add(settled);
        unsettledBytes += line.length;
        while (unsettled.size >= MAX_UNSETTLED || unsettledBytes >= this.#maxBytes) {
          // A race of all promises would leave a thousand reactions behind for every line.
          oneSettled = Promise.withResolvers();
          await oneSettled.promise;
        }
      }
    };
    try {
      // A read of standard input cannot be aborted, so the end of the lease does not wait for it.
      await Promise.race([deliverAll(), aborted(lease.ending), aborted(failed.signal)]);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new SyntaxError(`Cannot read line ${index + 1} of stdin: ${error.message}`);
    } finally {
      await Promise.race([Promise.all(unsettled), aborted(failed.signal)]);
      failed.signal.throwIfAborted();
    }
  }

  #toEvent(line: Bytes, index: number): InboundEvent {
    const timestampMs = new Date().getTime();
    const record = this.#config.format === "text"
      ? { key: null, value: line, headers: [] }
      : parseJsonLine(line);
    return { origin: lineOrigin(index, timestampMs), position: index, ...record, timestampMs };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
