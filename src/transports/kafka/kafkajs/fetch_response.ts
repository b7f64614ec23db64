import { Buffer } from "node:buffer";
import { readOldMessages } from "./old_messages.ts";
import { withRequests } from "./own_requests.ts";
import { createErrorFromCode, Decoder } from "./protocol.ts";
import { readBatches } from "../records/fetched_batches.ts";
import { type FetchedBatch, RecordBatch } from "../records/record_batch.ts";

/** The first version of fetch responses with record batches, from Kafka 0.11. */
const MIN_VERSION = 4;

/** An aborted transaction, of which records may have been fetched. */
interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/**
 * The same broker, whose Fetch responses leave records in {@linkcode FetchedBatch}es. kafkajs decodes them all at once,
 * to many times their size, and may return records of aborted transactions.
 */
export function fetchingBatches<Broker extends object>(broker: Broker): Broker {
  return withRequests(broker, (create) => (payload) => {
    const fetch = create(payload);
    const { apiVersion } = fetch.request;
    if (apiVersion < MIN_VERSION) {
      throw new Error("Cannot fetch from a broker that is older than Kafka 0.11");
    }
    const decode = (bytes: Buffer) => decodeFetchResponse(bytes, apiVersion);
    return { ...fetch, response: { decode, parse } };
  });
}

/** kafkajs's own `parse` fails the whole response when one partition fails. */
function parse<T extends { readonly errorCode: number }>(response: T): T {
  if (response.errorCode !== 0) throw createErrorFromCode(response.errorCode);
  return response;
}

/** Decodes a Fetch response, versions 4 to 11. */
export async function decodeFetchResponse(bytes: Buffer, version: number): Promise<object> {
  const decoder = new Decoder(bytes);
  const throttleMs = decoder.readInt32();
  // Before version 8, the broker has already delayed the response.
  const clientSideThrottleTime = version < 8 ? 0 : throttleMs;
  const errorCode = version < 7 ? 0 : decoder.readInt16();
  if (version >= 7) decoder.readInt32(); // the id of the fetch session
  const responses = await decoder.readArrayAsync(async () => ({
    topicName: decoder.readString(),
    partitions: await decoder.readArrayAsync(() => decodePartition(decoder, version)),
  }));
  return { clientSideThrottleTime, errorCode, responses };
}

async function decodePartition(decoder: Decoder, version: number): Promise<object> {
  const partition = {
    partition: decoder.readInt32(),
    errorCode: decoder.readInt16(),
    highWatermark: `${decoder.readInt64()}`,
    lastStableOffset: `${decoder.readInt64()}`,
  };
  if (version >= 5) decoder.readInt64(); // the offset of the first record stored
  const aborted: AbortedTransaction[] = decoder.readArray(() => ({
    producerId: Number(decoder.readInt64()),
    firstOffset: Number(decoder.readInt64()),
  }));
  const replica = version < 11 ? {} : { preferredReadReplica: decoder.readInt32() };
  // Copied, so that one partition's records do not keep the whole response in memory.
  const records = Buffer.from(decoder.readBytes() ?? []);
  const { messages, unreadable } = await readBatches(records, readOldMessages);
  leaveOutAborted(messages, aborted);
  return { ...partition, ...replica, messages, unreadable };
}

/**
 * Marks aborted records for skipping. kafkajs would check one transaction for each record, in the brokers' order of
 * transaction ends: where several overlap, it passes on aborted records.
 */
function leaveOutAborted(
  fetched: readonly FetchedBatch[],
  aborted: readonly AbortedTransaction[],
): void {
  if (aborted.length === 0) return;
  const toCome = aborted.toSorted((one, other) => one.firstOffset - other.firstOffset);
  const producers = new Set<number>();
  for (const batch of fetched) {
    if (!(batch instanceof RecordBatch)) continue;
    while (toCome[0] !== undefined && toCome[0].firstOffset <= batch.lastOffset) {
      producers.add(toCome[0].producerId);
      toCome.shift();
    }
    const { producerId, isTransactional } = batch;
    if (batch.isAbort) producers.delete(producerId);
    else if (isTransactional && producers.has(producerId)) batch.isSkipped = true;
  }
}
