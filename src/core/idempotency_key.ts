import type { InboundEvent } from "./event.ts";

/** Header of a record that was put back, with the idempotency key of its first calls. */
export const IDEMPOTENCY_KEY_HEADER = "eventor-idempotency-key";

const TEXT_DECODER = new TextDecoder();

/** The end of a key: partition, offset and timestamp. A producer may set any timestamp. */
const PLACE = /^(0|[1-9]\d{0,9})-(0|[1-9]\d{0,15})-(0|-?[1-9]\d{0,18})$/;

/**
 * Identifies an event to the endpoint: the same in each attempt, after a restart, and after a redrive.
 *
 * @see draft-ietf-httpapi-idempotency-key-header
 */
export function idempotencyKey(pipeline: string, event: InboundEvent): string {
  const { origin: { topic, partition, offset }, headers, timestampMs } = event;
  for (const [name, value] of headers) {
    if (value === null || name !== IDEMPOTENCY_KEY_HEADER) continue;
    const first = TEXT_DECODER.decode(value);
    if (isOfEarlierEvent(first, pipeline, event)) return first;
  }
  return keyStart(pipeline, topic) + `${partition}-${offset}-${timestampMs}`;
}

/** Percent-encodes a text unless it is visible ASCII: names of topics and pipelines may contain anything. */
export function visible(text: string): string {
  return /^[\x21-\x7e]*$/.test(text) ? text : encodeURI(text.toWellFormed());
}

/**
 * Whether a key in the header can be the event's own from before it was put back. Any producer can write the header,
 * but must not give an event the key of another pipeline's event, or of a later one. Offsets of another partition show
 * no order: an event goes there when its own partition is gone.
 */
function isOfEarlierEvent(
  key: string,
  pipeline: string,
  { origin: { topic, partition, offset } }: InboundEvent,
): boolean {
  const start = keyStart(pipeline, topic);
  const place = key.startsWith(start) ? PLACE.exec(key.slice(start.length)) : null;
  return place !== null && (Number(place[1]) !== partition || Number(place[2]) < offset);
}

function keyStart(pipeline: string, topic: string): string {
  return visible(`${pipeline}-${topic}-`);
}
