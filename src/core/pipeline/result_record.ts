import type { InboundEvent, OriginFact, RecordHeader } from "../event.ts";
import type { ErrorResult, Result } from "../handler.ts";
import { octets } from "../octets.ts";
import type { OutboundRecord } from "../result_processor.ts";

const TEXT = new TextEncoder();
const ASCII = /^[\x20-\x7e]*$/;

/** Headers with facts of origins, by name and value: most values recur, and encoding takes long. */
const REMEMBERED = new Map<string, Map<string, RecordHeader>>();
/** How many values of a fact are remembered. */
const MAX_REMEMBERED = 256;

/** Headers that describe the event's own value or transport, or hold its sender's secrets. */
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
 * Builds the record of a result: the event's key, the result's value, and headers: the event's own (in their order,
 * without those of its value or transport), then the result's, then the source. Without a result, it is a tombstone.
 */
export function resultRecord(event: InboundEvent, result?: Result): OutboundRecord {
  const { value = null, headers = [] } = result ?? {};
  return {
    key: event.key,
    value,
    headers: [...passedOn(event, headers), ...headers, ...sourceHeaders(event)],
  };
}

function passedOn(
  event: InboundEvent,
  others: readonly RecordHeader[],
): readonly RecordHeader[] {
  if (event.headers.length === 0) return event.headers;
  const replaced = new Set(others.map(([name]) => name.toLowerCase()));
  return event.headers.filter(([name]) => isPassedOn(name) && !replaced.has(name.toLowerCase()));
}

/** The error that replaces a result too large for its destination. */
export function tooLargeResult({ headers, summary, response }: Result): ErrorResult {
  const reason = "result larger than its destination allows";
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

function sourceHeaders({ origin }: InboundEvent): RecordHeader[] {
  return origin.facts().map(sourceHeader);
}

function sourceHeader([fact, value]: OriginFact): RecordHeader {
  let remembered = REMEMBERED.get(fact);
  if (remembered === undefined) {
    remembered = new Map();
    REMEMBERED.set(fact, remembered);
  }
  let header = remembered.get(value);
  if (header === undefined) {
    const bytes = ASCII.test(value) ? octets(value) : TEXT.encode(value);
    header = [`eventor-source-${fact}`, bytes];
    if (remembered.size < MAX_REMEMBERED) remembered.set(value, header);
  }
  return header;
}
