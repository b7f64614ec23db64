import type { EventOrigin, InboundEvent } from "./event.ts";

/** Header of a record that was put back, with the idempotency key of its first calls. */
export const IDEMPOTENCY_KEY_HEADER = "eventor-idempotency-key";

const TEXT_DECODER = new TextDecoder();

/**
 * Identifies an event to the endpoint: the same in each attempt, after a restart, and after a redrive. Undefined when
 * the source has no ids: if two events had the same key, the endpoint would take the second for a repetition of the first.
 *
 * @see draft-ietf-httpapi-idempotency-key-header
 */
export function idempotencyKey(pipeline: string, event: InboundEvent): string | undefined {
  const { origin, headers } = event;
  for (const [name, value] of headers) {
    if (value === null || name !== IDEMPOTENCY_KEY_HEADER) continue;
    const first = TEXT_DECODER.decode(value);
    if (isOfEarlierEvent(first, pipeline, origin)) return first;
  }
  const { id } = origin;
  return id === undefined ? undefined : visible(`${pipeline}-${id}`);
}

/** Percent-encodes a text unless it is visible ASCII: names of pipelines and sources may contain anything. */
export function visible(text: string): string {
  return /^[\x21-\x7e]*$/.test(text) ? text : encodeURI(text.toWellFormed());
}

/**
 * Whether a key in the header can be the event's own from before it was put back. Any producer can write the header,
 * but must not give an event the key of another pipeline's event, or of a later one.
 */
function isOfEarlierEvent(key: string, pipeline: string, origin: EventOrigin): boolean {
  const start = visible(`${pipeline}-`);
  return key.startsWith(start) && origin.canFollow?.(key.slice(start.length)) === true;
}
