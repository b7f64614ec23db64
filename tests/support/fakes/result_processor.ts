import type { EventOrigin } from "../../../src/core/event.ts";
import type { OutboundRecord, ResultProcessor } from "../../../src/core/result_processor.ts";

/** Stores records in memory, after it has failed once with each of `failures`. */
export class FakeResultProcessor implements ResultProcessor {
  readonly stored: OutboundRecord[] = [];
  calls = 0;
  readonly #failures: readonly unknown[];
  readonly #firstPlace: EventOrigin;
  readonly #gate: () => Promise<unknown>;

  /** @param gate is waited for in each call */
  constructor(
    { failures = [], firstPlace, gate }: {
      failures?: readonly unknown[];
      firstPlace?: EventOrigin;
      gate?: () => Promise<unknown>;
    } = {},
  ) {
    this.#failures = failures;
    this.#firstPlace = firstPlace ?? { topic: "MY_RESPONSE_TOPIC", partition: 0, offset: 97 };
    this.#gate = gate ?? (() => Promise.resolve());
  }

  async process(record: OutboundRecord, _signal: AbortSignal): Promise<EventOrigin> {
    const call = this.calls++;
    await this.#gate();
    if (call < this.#failures.length) throw this.#failures[call];
    const offset = this.#firstPlace.offset + this.stored.length;
    this.stored.push(record);
    return { ...this.#firstPlace, offset };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
