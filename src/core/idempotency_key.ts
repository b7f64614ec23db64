import type { InboundEvent } from "./event.ts";

/** The header of a record that was put back, with the key that its calls had the first time. */
export const IDEMPOTENCY_KEY_HEADER = "eventor-idempotency-key";

const TEXT_DECODER = new TextDecoder();

/** Partition, offset and timestamp as a key ends with them. A producer may set any timestamp. */
const PLACE = /^(0|[1-9]\d{0,9})-(0|[1-9]\d{0,15})-(0|-?[1-9]\d{0,18})$/;

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
    if (isOfEarlierEvent(first, pipeline, event)) return first;
  }
  return keyStart(pipeline, topic) + `${partition}-${offset}-${timestampMs}`;
}

/** What is not visible ASCII is percent-encoded, as the names of topics and pipelines may be anything. */
export function visible(text: string): string {
  return /^[\x21-\x7e]*$/.test(text) ? text : encodeURI(text.toWellFormed());
}

/**
 * Whether a key that an event brings along can be the one that it had before it was put back. Any producer can write the
 * header, and must not be able to give an event the key of another pipeline's event, or of one that is still to come.
 * Offsets of another partition tell nothing: an event goes there when its own partition is gone.
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
