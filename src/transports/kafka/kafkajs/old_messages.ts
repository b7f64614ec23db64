import type { Buffer } from "node:buffer";
import type { Bytes } from "../../../core/event.ts";
import type { FetchedBatch } from "../records/record_batch.ts";
import { Decoder, MessageSetDecoder } from "./protocol.ts";

/** A message of the formats before record batches, as decoded by kafkajs. */
interface Message {
  readonly offset: string;
  readonly timestamp?: string;
  readonly key: Bytes | null;
  readonly value: Bytes | null;
}

/**
 * Decodes a message, or those compressed inside it.
 *
 * @param bytes exactly one message, with its offset and size
 * @returns the messages, or why they cannot be decoded
 */
export async function readOldMessages(bytes: Buffer): Promise<readonly FetchedBatch[] | string> {
  let messages: Message[];
  try {
    messages = await MessageSetDecoder(new Decoder(bytes), bytes.length);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `the broker sent a message of an old format that cannot be decoded: ${reason}`;
  }
  const last = messages.at(-1);
  return last?.offset === `${bytes.readBigInt64BE()}`
    ? messages.map(toFetched)
    : "the broker sent a message of an old format that does not hold what it should";
}

/** Messages from before Kafka 0.11 have no headers. */
function toFetched({ offset, timestamp = "-1", key, value }: Message): FetchedBatch {
  const record = {
    offset: Number(offset),
    timestampMs: Number(timestamp),
    key,
    value,
    headers: [],
  };
  return {
    firstOffset: record.offset,
    lastOffset: record.offset,
    sizeInBytes: (key?.length ?? 0) + (value?.length ?? 0),
    isSkipped: false,
    open: () => Promise.resolve([record].values()),
  };
}
