import type { InboundEvent } from "./event.ts";
import type { Result } from "./handler.ts";
import type { OutboundRecord } from "./result_processor.ts";
import { fill, fillBytes, type Template, TemplateError, type TemplateSubject } from "./template.ts";

/** Templates of a result processor. */
export interface RecordTemplates {
  /** Replaces the event's key. */
  readonly key?: Template | undefined;
  /** Further headers, which replace others of the same name. Names are unique. */
  readonly headers?: readonly (readonly [name: string, value: Template])[] | undefined;
  /** The destination, if it depends on the event or the response, and all allowed ones. */
  readonly destination?:
    | { readonly template: Template; readonly allowed: readonly string[] }
    | undefined;
}

const TEXT_DECODER = new TextDecoder();

/**
 * The record for one result processor, from a result, or from a tombstone without one.
 *
 * @throws {TemplateError} when a value is missing, or the destination is not allowed
 */
export function shapedRecord(
  record: OutboundRecord,
  templates: RecordTemplates | undefined,
  { event, result }: { event: InboundEvent; result: Result | undefined },
): OutboundRecord {
  if (templates === undefined) return record;
  const { key, headers = [], destination } = templates;
  const subject = { event, response: result && { ...result.response, body: result.value } };
  const replaced = new Set(headers.map(([name]) => name.toLowerCase()));
  return {
    ...record,
    ...(key === undefined ? {} : { key: isEventKey(key) ? event.key : fillBytes(key, subject) }),
    headers: [
      ...record.headers.filter(([name]) => !replaced.has(name.toLowerCase())),
      ...headers.map(([name, value]) => [name, fillBytes(value, subject)] as const),
    ],
    ...(destination === undefined ? {} : { destination: destinationFor(destination, subject) }),
  };
}

/** Whether the key is just the event's: an absent key then stays absent, as without a template. */
function isEventKey({ parts: [only, ...others] }: Template): boolean {
  return others.length === 0 && typeof only === "object" && only.source.kind === "key" &&
    only.fallback === undefined;
}

function destinationFor(
  { template, allowed }: NonNullable<RecordTemplates["destination"]>,
  subject: TemplateSubject,
): string {
  const destination = fill(template, subject, (value) => TEXT_DECODER.decode(value));
  if (allowed.includes(destination)) return destination;
  // It holds external values, so the message omits it.
  throw new TemplateError("the result's destination is none of those that are allowed");
}
