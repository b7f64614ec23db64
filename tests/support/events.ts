import type { Bytes, InboundEvent } from "../../src/core/event.ts";

const TEXT_ENCODER = new TextEncoder();

/** The bytes of a text. */
export function bytes(text: string): Bytes {
  return TEXT_ENCODER.encode(text);
}

/** What a test does not say about an event does not matter to it. */
export function anEvent(
  { topic = "MY_FIRST_TOPIC", partition = 0, offset = 184, ...rest }:
    & Partial<InboundEvent["origin"]>
    & Partial<Omit<InboundEvent, "origin">> = {},
): InboundEvent {
  return {
    origin: { topic, partition, offset },
    key: bytes("key"),
    value: bytes("value"),
    headers: [],
    timestampMs: 1652708532000,
    ...rest,
  };
}
