import type { Unreadable } from "../../../src/transports/kafka/records/fetched_batches.ts";
import { Buffer } from "node:buffer";
import Encoder from "kafkajs/src/protocol/encoder.js";
import type { Bytes } from "../../../src/core/event.ts";
import { decodeFetchResponse } from "../../../src/transports/kafka/kafkajs/fetch_response.ts";
import { contentOf } from "../../../src/transports/kafka/consumer/partition_response.ts";
import type { PartitionResponse } from "../../../src/transports/kafka/kafkajs/types.ts";
import type {
  FetchedRecord,
  FetchedRecords,
} from "../../../src/transports/kafka/records/record_batch.ts";
import { bytes } from "../events.ts";
import { batchBytes, type BatchFields, recordBytes } from "./record_bytes.ts";

/** What one partition of a response says. */
export interface Fetched {
  readonly records: Uint8Array | null;
  readonly errorCode?: number;
  readonly aborted?: readonly { producerId: number; firstOffset: number }[];
  /** The broker to fetch from instead, from version 11 on; -1 for none. */
  readonly preferredReadReplica?: number;
}

/** The same as kafkajs decodes it. */
export interface FetchedPartition extends PartitionResponse {
  readonly unreadable: Unreadable | null;
}

/** A batch of one record. */
export function batch(value: string, fields: BatchFields): Buffer<ArrayBuffer> {
  return batchBytes([recordBytes({ value: bytes(value) })], fields);
}

/** A response with the partitions 0, 1, ... of each topic. */
export function responseBytes(
  topics: Record<string, readonly Fetched[]>,
  { version }: { version: number },
): Buffer<ArrayBuffer> {
  const response = new Encoder().writeInt32(12);
  if (version >= 7) response.writeInt16(0).writeInt32(34);
  response.writeInt32(Object.keys(topics).length);
  for (const [topic, partitions] of Object.entries(topics)) {
    response.writeString(topic).writeInt32(partitions.length);
    for (const [partition, fetched] of partitions.entries()) {
      const { records, errorCode = 0, aborted = [], preferredReadReplica = -1 } = fetched;
      response.writeInt32(partition).writeInt16(errorCode).writeInt64(1000).writeInt64(999);
      if (version >= 5) response.writeInt64(3);
      response.writeInt32(aborted.length);
      for (const { producerId, firstOffset } of aborted) {
        response.writeInt64(producerId).writeInt64(firstOffset);
      }
      if (version >= 11) response.writeInt32(preferredReadReplica);
      response.writeBytes(records && Buffer.from(records));
    }
  }
  return response.buffer;
}

export async function decodeResponse(
  response: Buffer,
  version: number,
): Promise<{ responses: { partitions: FetchedPartition[] }[] }> {
  return await decodeFetchResponse(response, version) as Awaited<ReturnType<typeof decodeResponse>>;
}

export async function partitionsOf(response: Buffer, version: number): Promise<FetchedPartition[]> {
  const { responses } = await decodeResponse(response, version);
  return responses.flatMap(({ partitions }) => partitions);
}

/** What comes of a response about one partition. */
export async function fetch(fetched: Fetched): Promise<FetchedPartition[]> {
  return await partitionsOf(responseBytes({ T: [fetched] }, { version: 11 }), 11);
}

/** The values that a partition is handed of a response, and the last offset that it covers. */
export async function handedOn(
  answer: FetchedPartition | undefined,
  fetchedOffset: number,
): Promise<{ values: string[]; lastOffset: number | undefined }> {
  if (answer === undefined) throw new Error("The response has no partition");
  const { fetched } = contentOf(answer, { fetchedOffset, isolationLevel: 1, isAlone: false });
  const lastOffset = fetched === null ? undefined : fetched.nextOffset - 1;
  return { values: await valuesOf(fetched?.records), lastOffset };
}

export async function recordsOf(all: readonly FetchedRecords[] = []): Promise<FetchedRecord[]> {
  const records: FetchedRecord[] = [];
  for (const fetched of all) {
    const opened = await fetched.open();
    do {
      for (let next = opened.next(); next.done !== true; next = opened.next()) {
        const { key, value, ...rest } = next.value;
        records.push({ ...rest, key: plain(key), value: plain(value) });
      }
    } while (await opened.inflate?.());
  }
  return records;
}

/** `5 a`: offset and value. */
export async function valuesOf(all: readonly FetchedRecords[] | undefined): Promise<string[]> {
  const records = await recordsOf(all);
  return records.map(({ offset, value }) =>
    `${offset} ${new TextDecoder().decode(value ?? undefined)}`
  );
}

/** A Buffer and the same bytes are not equal for `assertEquals()`. */
function plain(bytes: Bytes | null): Bytes | null {
  return bytes && new Uint8Array(bytes);
}
