import { Buffer } from "node:buffer";
import Decoder from "kafkajs/src/protocol/decoder.js";
import { createErrorFromCode } from "kafkajs/src/protocol/error.js";
import MessageSetDecoder from "kafkajs/src/protocol/messageSet/decoder.js";
import Requests from "kafkajs/src/protocol/requests/index.js";
import type { Bytes } from "../../../core/event.ts";
import { BATCH_FIELDS, BATCH_MAGIC } from "../records/batch_fields.ts";
import { type FetchedRecord, type FetchedRecords, RecordBatch } from "./record_batch.ts";

/** The version of fetch requests since which responses hold record batches; brokers have it since 0.11. */
const MIN_VERSION = 4;

/** A message of the formats before record batches, as kafkajs decodes it. */
interface Message {
  readonly offset: string;
  readonly timestamp?: string;
  readonly key: Bytes | null;
  readonly value: Bytes | null;
}

/** A transaction that ended by an abort, of which something may have been fetched. */
interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: number;
}

/** From here on, `messages` of what kafkajs fetches are {@linkcode FetchedRecords}, each of one or more records. */
export function useFetchedRecords(): void {
  const { versions, protocol } = Requests.requests.Fetch;
  Requests.requests.Fetch = {
    versions,
    protocol: ({ version }: { version: number }) => (request: unknown) => {
      if (version < MIN_VERSION) {
        throw new Error("Cannot fetch from a broker that is older than Kafka 0.11");
      }
      const fetch = protocol({ version })(request);
      const decode = (bytes: Buffer) => decodeResponse(new Decoder(bytes), version);
      return { ...fetch, response: { decode, parse } };
    },
  };
}

/** kafkajs's own takes the first failure of a partition for that of the whole response. */
function parse<T extends { readonly errorCode?: number }>(response: T): T {
  const { errorCode = 0 } = response;
  if (errorCode !== 0) throw createErrorFromCode(errorCode);
  return response;
}

/** Fetch response, versions 4 to 11. */
async function decodeResponse(decoder: Decoder, version: number): Promise<object> {
  const throttleTime = decoder.readInt32();
  const throttling = version < 8
    ? { throttleTime }
    : { throttleTime: 0, clientSideThrottleTime: throttleTime };
  const session = version < 7
    ? {}
    : { errorCode: decoder.readInt16(), sessionId: decoder.readInt32() };
  const responses = await decoder.readArrayAsync(async () => ({
    topicName: decoder.readString(),
    partitions: await decoder.readArrayAsync(() => decodePartition(decoder, version)),
  }));
  return { ...throttling, ...session, responses };
}

async function decodePartition(decoder: Decoder, version: number): Promise<object> {
  const partition = {
    partition: decoder.readInt32(),
    errorCode: decoder.readInt16(),
    highWatermark: `${decoder.readInt64()}`,
    lastStableOffset: `${decoder.readInt64()}`,
    ...(version < 5 ? {} : { lastStartOffset: `${decoder.readInt64()}` }),
  };
  const aborted: AbortedTransaction[] = decoder.readArray(() => ({
    producerId: `${decoder.readInt64()}`,
    firstOffset: Number(decoder.readInt64()),
  }));
  const replica = version < 11 ? {} : { preferredReadReplica: decoder.readInt32() };
  const messages = await decodeRecords(decoder.readBytes() ?? Buffer.alloc(0));
  leaveOutAborted(messages, aborted);
  return { ...partition, abortedTransactions: [], ...replica, messages };
}

/**
 * kafkajs would look at one transaction for each record, in the order in which brokers name them, which is that of
 * their ends: where several overlap, it hands on what was aborted.
 */
function leaveOutAborted(
  fetched: readonly FetchedRecords[],
  aborted: readonly AbortedTransaction[],
): void {
  if (aborted.length === 0) return;
  const toCome = aborted.toSorted((one, other) => one.firstOffset - other.firstOffset);
  const producers = new Set<string>();
  for (const batch of fetched) {
    if (!(batch instanceof RecordBatch)) continue;
    while (toCome[0] !== undefined && toCome[0].firstOffset <= batch.lastOffset) {
      producers.add(toCome[0].producerId);
      toCome.shift();
    }
    const { producerId, inTransaction } = batch.batchContext;
    // The key of a control record says in its last two bytes what it is: 0 is an abort.
    if (batch.isControlRecord && batch.key?.[3] === 0) producers.delete(producerId);
    else if (inTransaction && producers.has(producerId)) batch.isControlRecord = true;
  }
}

async function decodeRecords(bytes: Buffer<ArrayBuffer>): Promise<FetchedRecords[]> {
  // What one partition holds must not keep the response for all of them in memory.
  const records = Buffer.from(bytes);
  const isOld = records.length > BATCH_FIELDS.magic &&
    records.readInt8(BATCH_FIELDS.magic) < BATCH_MAGIC;
  if (isOld) {
    const messages: Message[] = await MessageSetDecoder(new Decoder(records), records.length);
    return messages.map((message) => new OldMessage(message));
  }
  const batches: FetchedRecords[] = [];
  for (let rest = records; rest.length > BATCH_FIELDS.lengthEnd;) {
    const length = BATCH_FIELDS.lengthEnd + rest.readInt32BE(BATCH_FIELDS.length);
    // Brokers cut the response where the limits of the request are, in the midst of a batch.
    if (length > rest.length) break;
    batches.push(new RecordBatch(rest.subarray(0, Math.max(length, 0))));
    rest = rest.subarray(length);
  }
  return batches;
}

/** A message that was written before Kafka 0.11, and has no headers. */
class OldMessage implements FetchedRecords {
  readonly isControlRecord = false;
  readonly #message: Message;

  constructor(message: Message) {
    this.#message = message;
  }

  get offset(): string {
    return this.#message.offset;
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
