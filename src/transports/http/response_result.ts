import type { Bytes, RecordHeader } from "../../event.ts";
import type { Result } from "../../handler.ts";

const TEXT_ENCODER = new TextEncoder();

/** How many values are kept encoded: enough for any endpoint that does not make up a new one each time. */
const MAX_ENCODED = 1000;

/** Responses become results. */
export class ResponseResults {
  readonly #encoded = new Map<string, Bytes>();

  from({ status, headers }: Response, value: Bytes): Result {
    const contentType = headers.get("content-type");
    const statusHeader = this.#header("eventor-status", `${status}`);
    return {
      when: status < 300 ? "onSuccess" : "onError",
      summary: `status ${status}`,
      value,
      headers: contentType === null
        ? [statusHeader]
        : [this.#header("content-type", contentType), statusHeader],
    };
  }

  #header(name: string, text: string): RecordHeader {
    let value = this.#encoded.get(text);
    if (value === undefined) {
      value = TEXT_ENCODER.encode(text);
      if (this.#encoded.size < MAX_ENCODED) this.#encoded.set(text, value);
    }
    return [name, value];
  }
}
