import type { InboundEvent } from "../../event.ts";
import { VERSION } from "../../version.ts";

const TEXT_DECODER = new TextDecoder();
const DEFAULT_CONTENT_TYPE = "application/text";

/** What RFC 9110 (5.5) admits in a field value and fetch can send. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]+$/;

/** As `fetch` takes them with the least work: a `Headers` would be sorted and copied for each call. */
export type HeaderList = [name: string, value: string][];

/** The headers of requests: the configured ones, and what a request needs besides. */
export class RequestHeaders {
  readonly #always: HeaderList;
  /** Absent when the configuration names a content type. */
  readonly #byDefault: HeaderList | undefined;

  constructor(configured: readonly (readonly [name: string, value: string])[]) {
    const names = new Set(configured.map(([name]) => name.toLowerCase()));
    this.#always = configured.map(([name, value]) => [name, value]);
    if (!names.has("accept-encoding")) this.#always.push(["accept-encoding", "identity"]);
    if (!names.has("user-agent")) this.#always.push(["user-agent", `eventor/${VERSION}`]);
    if (!names.has("content-type")) this.#byDefault = this.#withContentType(DEFAULT_CONTENT_TYPE);
  }

  for({ headers }: InboundEvent): HeaderList {
    if (this.#byDefault === undefined) return this.#always;
    const contentType = contentTypeOf(headers);
    return contentType === null ? this.#byDefault : this.#withContentType(contentType);
  }

  #withContentType(value: string): HeaderList {
    return [...this.#always, ["content-type", value]];
  }
}

function contentTypeOf(headers: InboundEvent["headers"]): string | null {
  const header = headers.find(([name]) => name.toLowerCase() === "content-type");
  const value = header?.[1] ? TEXT_DECODER.decode(header[1]).trim() : "";
  return FIELD_VALUE.test(value) ? value : null;
}
