import type { InboundEvent, RecordHeader } from "./event.ts";
import type { Result } from "./handler.ts";
import type { OutboundRecord } from "./result_processor.ts";

const TEXT = new TextEncoder();

/** Headers of the event that say something about its own value, its own way, or its sender's secrets. */
const NOT_PASSED_ON = new Set([
  "authorization",
  "connection",
  "cookie",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Puts together the record that a result becomes: the event's key, the result's value, and of the headers the event's
 * own (in their order, less those that belong to the event's value or transport), then the result's, then its source.
 */
export function resultRecord(event: InboundEvent, result: Result): OutboundRecord {
  const replaced = new Set(result.headers.map(([name]) => name.toLowerCase()));
  const passedOn = event.headers.filter(([name]) =>
    isPassedOn(name) && !replaced.has(name.toLowerCase())
  );
  return {
    key: event.key,
    value: result.value,
    headers: [...passedOn, ...result.headers, ...sourceHeaders(event)],
  };
}

function isPassedOn(name: string): boolean {
  const lowerCase = name.toLowerCase();
  return !(lowerCase.startsWith("content-") || lowerCase.startsWith("eventor-") ||
    NOT_PASSED_ON.has(lowerCase));
}

function sourceHeaders({ origin }: InboundEvent): RecordHeader[] {
  return [
    ["eventor-source-topic", TEXT.encode(origin.topic)],
    ["eventor-source-partition", TEXT.encode(`${origin.partition}`)],
    ["eventor-source-offset", TEXT.encode(`${origin.offset}`)],
  ];
}
