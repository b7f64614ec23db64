import type { Bytes, EventOrigin, InboundEvent } from "../../src/core/event.ts";
import { RecordOrigin } from "../../src/transports/kafka/consumer/record_origin.ts";

const TEXT_ENCODER = new TextEncoder();

/** The bytes of a text. */
export function bytes(text: string): Bytes {
  return TEXT_ENCODER.encode(text);
}

/** An origin of a source that cannot tell events apart, and has other facts than Kafka. */
export const QUEUE: EventOrigin = {
  id: undefined,
  facts: () => [["queue", "orders"], ["routing-key", "näh"]],
  toString: () => "queue orders",
};

/** What a test does not say about an event does not matter to it. */
export function anEvent(
  { topic = "MY_FIRST_TOPIC", partition = 0, offset = 184, ...rest }:
    & { topic?: string; partition?: number; offset?: number }
    & Partial<InboundEvent> = {},
): InboundEvent {
  const { timestampMs = 1652708532000 } = rest;
  return {
    origin: new RecordOrigin(topic, partition, offset, timestampMs),
    position: offset,
    key: bytes("key"),
    value: bytes("value"),
    headers: [],
    timestampMs,
    ...rest,
  };
}
