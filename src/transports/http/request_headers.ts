import type { InboundEvent } from "../../event.ts";
import { EventHeaders } from "./event_headers.ts";
import { VERSION } from "../../version.ts";

const TEXT_DECODER = new TextDecoder();
const DEFAULT_CONTENT_TYPE = "application/text";

/** What RFC 9110 (5.5) admits in a field value. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]+$/;

/** Methods for whose content RFC 9110 (9.3) knows no meaning. */
const WITHOUT_BODY = new Set(["GET", "HEAD"]);

/** Names with values. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** The headers of requests: the configured ones, and what a request needs besides. */
export class RequestHeaders {
  /** What all requests have. */
  readonly common: HeaderList;
  readonly #hasContentType: boolean;
  readonly #eventHeaders: EventHeaders;

  constructor(configured: HeaderList, pipeline: string) {
    const names = new Set(configured.map(([name]) => name.toLowerCase()));
    const defaults: HeaderList = [
      ["accept", "*/*"],
      ["accept-encoding", "identity"],
      ["user-agent", `eventor/${VERSION}`],
    ];
    this.common = [...configured, ...defaults.filter(([name]) => !names.has(name))];
    this.#hasContentType = names.has("content-type");
    this.#eventHeaders = new EventHeaders(pipeline, names);
  }

  /** What the requests for an event have besides. @param attempt which call for it it is, 1 for the first */
  of(event: InboundEvent, attempt: number): HeaderList {
    const headers = this.#eventHeaders.of(event, attempt);
    return this.#hasContentType ? headers : [...headers, ["content-type", contentTypeOf(event)]];
  }
}

/** The content type of an event. */
function contentTypeOf({ headers }: InboundEvent): string {
  const header = headers.find(([name]) => name.toLowerCase() === "content-type");
  const value = header?.[1] ? TEXT_DECODER.decode(header[1]).trim() : "";
  return FIELD_VALUE.test(value) ? value : DEFAULT_CONTENT_TYPE;
}

/** Whether the value of an event is sent with a method, which is in upper case. */
export function hasBody(method: string): boolean {
  return !WITHOUT_BODY.has(method);
}
