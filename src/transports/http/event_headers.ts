import type { Bytes, InboundEvent } from "../../core/event.ts";
import { idempotencyKey, visible } from "../../core/idempotency_key.ts";
import type { HeaderList } from "./request_headers.ts";

/** A longer key is left out: servers refuse requests with large headers. */
const MAX_KEY_BYTES = 2048;

/** Printable ASCII. A header would lose spaces at the ends. */
const PRINTABLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** The characters of a `traceparent` of any version (W3C Trace Context, 3.2). */
const TRACE_PARENT = /^[\x21-\x7e]+$/;

/** The characters of `tracestate` (W3C Trace Context, 3.3) and `baggage` (W3C Baggage, 3.2). */
const TRACE_LIST = /^[\t\x20-\x7e]+$/;

/** Keeps a byte order mark, which is part of a key. */
const TEXT_DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** Headers made from an event: its identity, its key and its trace context. */
export class EventHeaders {
  readonly #pipeline: string;
  readonly #configured: ReadonlySet<string>;

  /** @param configured lower-case names of headers that must not be replaced */
  constructor(pipeline: string, configured: ReadonlySet<string>) {
    this.#pipeline = pipeline;
    this.#configured = configured;
  }

  /** @param attempt number of the call for this event, from 1 */
  of(event: InboundEvent, attempt: number): HeaderList {
    const { origin, key, value, timestampMs } = event;
    const headers: (readonly [name: string, value: string])[] = [];
    const identity = idempotencyKey(this.#pipeline, event);
    if (identity !== undefined) headers.push(["idempotency-key", identity]);
    for (const [fact, value] of origin.facts()) headers.push([`eventor-${fact}`, visible(value)]);
    headers.push(["eventor-timestamp", `${timestampMs}`], ["eventor-attempt", `${attempt}`]);
    const isKeySent = key !== null && key.length <= MAX_KEY_BYTES &&
      !this.#configured.has("eventor-key");
    if (isKeySent) headers.push(...keyHeaders(key));
    if (value === null) headers.push(["eventor-tombstone", "true"]);
    if (event.headers.length > 0) headers.push(...this.#traceHeaders(event));
    return this.#configured.size === 0
      ? headers
      : headers.filter(([name]) => !this.#configured.has(name));
  }

  /** A `tracestate` is sent only with its `traceparent`; `baggage` does not depend on it. */
  #traceHeaders({ headers }: InboundEvent): HeaderList {
    let traceParent = "";
    const [traceState, baggage]: [string[], string[]] = [[], []];
    for (const [name, value] of headers) {
      if (value === null) continue;
      switch (name.toLowerCase()) {
        case "traceparent":
          traceParent ||= TEXT_DECODER.decode(value);
          break;
        case "tracestate":
          traceState.push(TEXT_DECODER.decode(value));
          break;
        case "baggage":
          baggage.push(TEXT_DECODER.decode(value));
      }
    }
    const isTraced = TRACE_PARENT.test(traceParent) && !this.#configured.has("traceparent");
    const all: HeaderList = [
      ["traceparent", isTraced ? traceParent : ""],
      ["tracestate", isTraced ? oneList(traceState) : ""],
      ["baggage", oneList(baggage)],
    ];
    return all.filter(([, value]) => value !== "");
  }
}

/** Joins headers of one name into a list (RFC 9110, 5.3), without values that would break the request. */
function oneList(values: readonly string[]): string {
  return values.map((value) => value.trim()).filter((value) => TRACE_LIST.test(value)).join(",");
}

function keyHeaders(key: Bytes): HeaderList {
  const text = TEXT_DECODER.decode(key);
  return PRINTABLE.test(text)
    ? [["eventor-key", text]]
    : [["eventor-key", key.toBase64()], ["eventor-key-encoding", "base64"]];
}
