import type { Bytes, RecordHeader } from "../../event.ts";
import type { Result } from "../../handler.ts";
import type { HttpResponse } from "./http_client.ts";

const TEXT_ENCODER = new TextEncoder();

/** How many values are kept encoded: enough for any endpoint that does not make up a new one each time. */
const MAX_ENCODED = 1000;
const MAX_ENCODED_LENGTH = 200;

/** Responses become results. */
export class ResponseResults {
  readonly #maxBytes: number;
  readonly #encoded = new Map<string, Bytes>();

  constructor({ maxResponseBytes }: { maxResponseBytes: number }) {
    this.#maxBytes = maxResponseBytes;
  }

  /** @param value the decoded body; null when it is too large */
  from({ status, headers }: HttpResponse, value: Bytes | null): Result {
    if (value === null) return this.#tooLarge(status);
    const contentType = headers.get("content-type");
    const statusHeader = this.#header("eventor-status", `${status}`);
    return {
      when: status < 300 ? "onSuccess" : "onError",
      summary: `status ${status}`,
      value,
      headers: contentType === undefined
        ? [statusHeader]
        : [this.#header("content-type", contentType), statusHeader],
    };
  }

  /** Calling again would bring the same, so this is a result: an error, whatever the status. */
  #tooLarge(status: number): Result {
    const reason = `response larger than maxResponseBytes (${this.#maxBytes} bytes)`;
    return {
      when: "onError",
      summary: `status ${status}, ${reason}`,
      value: new Uint8Array(),
      headers: [
        this.#header("eventor-status", `${status}`),
        this.#header("eventor-error", reason),
      ],
    };
  }

  #header(name: string, text: string): RecordHeader {
    let value = this.#encoded.get(text);
    if (value === undefined) {
      value = TEXT_ENCODER.encode(text);
      const isKept = this.#encoded.size < MAX_ENCODED && text.length <= MAX_ENCODED_LENGTH;
      if (isKept) this.#encoded.set(text, value);
    }
    return [name, value];
  }
}
