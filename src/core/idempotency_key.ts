import type { InboundEvent } from "./event.ts";

/** The header of a record that was put back, with the key that its calls had the first time. */
export const IDEMPOTENCY_KEY_HEADER = "eventor-idempotency-key";

const TEXT_DECODER = new TextDecoder();
const PRINTABLE = /^[\x21-\x7e]{1,1024}$/;

/**
 * By what an endpoint recognizes a call for an event that it has seen before: the same in each attempt, after a restart,
 * and when the event was a dead letter and has been put back.
 *
 * @see draft-ietf-httpapi-idempotency-key-header
 */
export function idempotencyKey(pipeline: string, event: InboundEvent): string {
  const { origin: { topic, partition, offset }, headers, timestampMs } = event;
  for (const [name, value] of headers) {
    if (value === null || name !== IDEMPOTENCY_KEY_HEADER) continue;
    const first = TEXT_DECODER.decode(value);
    if (PRINTABLE.test(first)) return first;
  }
  return visible(`${pipeline}-${topic}-${partition}-${offset}-${timestampMs}`);
}

/** What is not visible ASCII is percent-encoded, as the names of topics and pipelines may be anything. */
export function visible(text: string): string {
  return /^[\x21-\x7e]*$/.test(text) ? text : encodeURI(text.toWellFormed());
}
