import type { InboundEvent } from "./event.ts";
import type { Result } from "./handler.ts";
import type { OutboundRecord } from "./result_processor.ts";
import { fill, fillBytes, type Template, TemplateError, type TemplateSubject } from "./template.ts";

/** What a result processor makes of records, when it is more than what they are anyway. */
export interface RecordTemplates {
  /** Instead of the event's key. */
  readonly key?: Template | undefined;
  /** Further headers, in place of others of their names; no name stands twice. */
  readonly headers?: readonly (readonly [name: string, value: Template])[] | undefined;
  /** Where records go, when it is not the same for all, and all that this may be. */
  readonly topic?: { readonly template: Template; readonly allowed: readonly string[] } | undefined;
}

const TEXT_DECODER = new TextDecoder();

/**
 * The record that a result processor gets of a result, or of a tombstone when there is none.
 *
 * @throws {TemplateError} when there is nothing for a gap, or the topic is none of those allowed
 */
export function shapedRecord(
  record: OutboundRecord,
  { key, headers = [], topic }: RecordTemplates,
  { event, result }: { event: InboundEvent; result: Result | undefined },
): OutboundRecord {
  const subject = { event, response: result && { ...result.response, body: result.value } };
  const replaced = new Set(headers.map(([name]) => name.toLowerCase()));
  return {
    ...record,
    ...(key === undefined ? {} : { key: isEventKey(key) ? event.key : fillBytes(key, subject) }),
    headers: [
      ...record.headers.filter(([name]) => !replaced.has(name.toLowerCase())),
      ...headers.map(([name, value]) => [name, fillBytes(value, subject)] as const),
    ],
    ...(topic === undefined ? {} : { topic: topicFor(topic, subject) }),
  };
}

/** Whoever takes records. */
export interface RecordTaker {
  /** What it makes of them. */
  readonly templates?: RecordTemplates | undefined;
}

/** A record and who takes it. */
export interface TakenRecord<Taker extends RecordTaker> {
  readonly record: OutboundRecord;
  readonly taker: Taker;
}

/**
 * The records that all takers get of a result, or of a tombstone when there is none.
 *
 * @throws {TemplateError} when there is none for one of them
 */
export function shapedRecords<Taker extends RecordTaker>(
  record: OutboundRecord,
  takers: readonly Taker[],
  source: { event: InboundEvent; result: Result | undefined },
): readonly TakenRecord<Taker>[] {
  return takers.map((taker) => ({
    record: taker.templates === undefined ? record : shapedRecord(record, taker.templates, source),
    taker,
  }));
}

/** An event without a key gives no key, as it does without a template. */
function isEventKey({ parts: [only, ...others] }: Template): boolean {
  return others.length === 0 && typeof only === "object" && only.source.kind === "key" &&
    only.fallback === undefined;
}

function topicFor(
  { template, allowed }: NonNullable<RecordTemplates["topic"]>,
  subject: TemplateSubject,
): string {
  const topic = fill(template, subject, (value) => TEXT_DECODER.decode(value));
  if (allowed.includes(topic)) return topic;
  // What it is came from outside.
  throw new TemplateError("the result's topic is none of those that 'topics' allows");
}
