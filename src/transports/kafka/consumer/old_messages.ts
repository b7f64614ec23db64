import type { Buffer } from "node:buffer";
import Decoder from "kafkajs/src/protocol/decoder.js";
import MessageSetDecoder from "kafkajs/src/protocol/messageSet/decoder.js";
import type { Bytes } from "../../../core/event.ts";
import type { FetchedRecord, FetchedRecords } from "./record_batch.ts";

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
export async function readOldMessages(bytes: Buffer): Promise<readonly OldMessage[] | string> {
  let messages: Message[];
  try {
    messages = await MessageSetDecoder(new Decoder(bytes), bytes.length);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `the broker sent a message of an old format that cannot be decoded: ${reason}`;
  }
  const last = messages.at(-1);
  return last?.offset === `${bytes.readBigInt64BE()}`
    ? messages.map((message) => new OldMessage(message))
    : "the broker sent a message of an old format that does not hold what it should";
}

/** A message from before Kafka 0.11, which has no headers. */
export class OldMessage implements FetchedRecords {
  readonly isControlRecord = false;
  readonly #message: Message;

  constructor(message: Message) {
    this.#message = message;
  }

  get offset(): string {
    return this.#message.offset;
  }

  get firstOffset(): number {
    return Number(this.#message.offset);
  }

  get lastOffset(): number {
    return Number(this.#message.offset);
  }

  get sizeInBytes(): number {
    return (this.#message.key?.length ?? 0) + (this.#message.value?.length ?? 0);
  }

  open(): Promise<Iterator<FetchedRecord>> {
    const { key, value, timestamp = -1 } = this.#message;
    const record = { offset: this.lastOffset, timestampMs: Number(timestamp), key, value };
    return Promise.resolve([{ ...record, headers: [] }].values());
  }
}
