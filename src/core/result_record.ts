import type { Bytes, InboundEvent, RecordHeader } from "./event.ts";
import type { ErrorResult, Result } from "./handler.ts";
import { octets } from "./octets.ts";
import type { OutboundRecord } from "./result_processor.ts";

const TEXT = new TextEncoder();

/** Of topics and partitions, which are few. */
const REMEMBERED = new Map<string, Bytes>();

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
  return {
    key: event.key,
    value: result.value,
    headers: [...passedOn(event, result), ...result.headers, ...sourceHeaders(event)],
  };
}

function passedOn(event: InboundEvent, result: Result): readonly RecordHeader[] {
  if (event.headers.length === 0) return event.headers;
  const replaced = new Set(result.headers.map(([name]) => name.toLowerCase()));
  return event.headers.filter(([name]) => isPassedOn(name) && !replaced.has(name.toLowerCase()));
}

/** A tombstone under the event's key, for where results go. */
export function tombstoneRecord(event: InboundEvent): OutboundRecord {
  const headers = event.headers.filter(([name]) => isPassedOn(name));
  return { key: event.key, value: null, headers: [...headers, ...sourceHeaders(event)] };
}

/** What is published when a result is larger than where it was to be stored allows: that it is. */
export function tooLargeResult({ headers, summary, response }: Result): ErrorResult {
  const reason = "result larger than its topic allows";
  return {
    when: "onError",
    error: { status: "tooLarge", isTransient: false, suggestsOutage: false },
    summary: `${summary}, ${reason}`,
    value: new Uint8Array(),
    ...(response === undefined ? {} : { response }),
    headers: [
      ...headers.filter(([name]) => name === "eventor-status"),
      ["eventor-error", TEXT.encode(reason)],
    ],
  };
}

function isPassedOn(name: string): boolean {
  const lowerCase = name.toLowerCase();
  return !(lowerCase.startsWith("content-") || lowerCase.startsWith("eventor-") ||
    NOT_PASSED_ON.has(lowerCase));
}

function sourceHeaders({ origin: { topic, partition, offset } }: InboundEvent): RecordHeader[] {
  return [
    ["eventor-source-topic", rememberedBytes(topic)],
    ["eventor-source-partition", rememberedBytes(`${partition}`)],
    ["eventor-source-offset", octets(`${offset}`)],
  ];
}

/** The bytes of what comes back with every event of a partition. */
function rememberedBytes(text: string): Bytes {
  const known = REMEMBERED.get(text);
  if (known !== undefined) return known;
  const bytes = TEXT.encode(text);
  REMEMBERED.set(text, bytes);
  return bytes;
}
