import type { OutboundRecord, ResultProcessor } from "../../../src/core/result_processor.ts";

/** Stores records in memory, after it has failed once with each of `failures`. */
export class FakeResultProcessor implements ResultProcessor {
  readonly sizeRemedy = "raise the limit";
  readonly stored: OutboundRecord[] = [];
  calls = 0;
  readonly #failures: readonly unknown[];
  readonly #gate: () => Promise<unknown>;

  /** @param gate is waited for in each call */
  constructor(
    { failures = [], gate }: {
      failures?: readonly unknown[];
      gate?: () => Promise<unknown>;
    } = {},
  ) {
    this.#failures = failures;
    this.#gate = gate ?? (() => Promise.resolve());
  }

  async process(record: OutboundRecord, _signal: AbortSignal): Promise<string> {
    const call = this.calls++;
    await this.#gate();
    if (call < this.#failures.length) throw this.#failures[call];
    return `RESULTS[0]@${this.stored.push(record) - 1}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
