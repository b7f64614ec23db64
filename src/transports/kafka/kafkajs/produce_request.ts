/**
 * Produce requests, versions 3 to 7. kafkajs's own accept no lists of headers, allocate many buffers for each record,
 * and report the first failed partition as a failure of the whole request.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import Encoder from "kafkajs/src/protocol/encoder.js";
import Compression from "kafkajs/src/protocol/message/compression/index.js";
import Requests from "kafkajs/src/protocol/requests/index.js";
import type { Bytes, RecordHeader } from "../../../core/event.ts";
import {
  batchSize,
  prepareBatch,
  type ProducerIdentity,
  type WritableBatch,
  writeBatch,
} from "../records/batch_writer.ts";
import { recordSize, type WritableRecord } from "../records/record_writer.ts";
import { RequestMemory, RequestPayload } from "./encoder.ts";

const NO_PRODUCER_ID = -1;

/** The partition's number and the size of its batch, 4 bytes each. */
const PARTITION_HEADER_SIZE = 8;

/** The records to store in a topic. */
export interface TopicData {
  readonly topic: string;
  readonly partitions: readonly PartitionData[];
  /** Whether the response is returned even if partitions failed, so that the caller knows which others are stored. */
  readonly toldApart?: boolean;
  /** The buffer that the request is written to. */
  readonly memory?: RequestMemory;
}

/** The records to store in a partition. */
export interface PartitionData extends Partial<ProducerIdentity> {
  readonly partition: number;
  readonly firstSequence?: number;
  readonly messages: readonly (WritableRecord | Message)[];
}

/** A broker's response to a Produce request. */
export interface ProduceResponse {
  readonly topics: readonly { readonly partitions: readonly PartitionResponse[] }[];
  /** How long the broker accepts no further request from this client, in milliseconds (KIP-219). */
  readonly clientSideThrottleTime?: number;
}

/** The outcome for one partition. */
export interface PartitionResponse {
  readonly partition: number;
  readonly errorCode: number;
  readonly baseOffset: string;
}

/** A message as kafkajs's own producer passes it on. */
interface Message {
  readonly key?: Bytes | string | null;
  readonly value: Bytes | string | null;
  readonly headers?: readonly RecordHeader[];
  readonly timestamp?: number;
}

interface ProduceRequest extends Partial<ProducerIdentity> {
  readonly acks: number;
  readonly timeout: number;
  readonly transactionalId?: string;
  readonly compression?: number;
  readonly topicData: readonly TopicData[];
}

/** kafkajs's protocol function for one version of the request. */
type Produce = (request: ProduceRequest) => {
  readonly request: object;
  readonly response: { parse(response: ProduceResponse): Promise<ProduceResponse> };
};

interface WritablePartition {
  readonly partition: number;
  readonly batch: WritableBatch;
}

/** Patches kafkajs: this module writes Produce requests, and the headers of a message are a list. */
export function useProduceRequests(): void {
  const { versions, protocol } = Requests.requests.Produce;
  const known = new Map<number, Produce>();
  Requests.requests.Produce = {
    versions,
    protocol({ version }: { version: number }): Produce {
      const produce = known.get(version) ?? toOwn(protocol({ version }));
      known.set(version, produce);
      return produce;
    },
  };
}

function toOwn(produce: Produce): Produce {
  const { request, response } = produce({ acks: -1, timeout: 0, topicData: [] });
  const toldApart = { ...response, parse: (all: ProduceResponse) => Promise.resolve(all) };
  return (own) => ({
    request: { ...request, expectResponse: () => own.acks !== 0, encode: () => encode(own) },
    response: own.topicData.every((data) => data.toldApart) ? toldApart : response,
  });
}

async function encode(request: ProduceRequest): Promise<RequestPayload> {
  const { acks, timeout, transactionalId = null, topicData } = request;
  const parts: (Bytes | WritablePartition)[] = [
    new Encoder()
      .writeString(transactionalId)
      .writeInt16(acks)
      .writeInt32(timeout)
      .writeInt32(topicData.length)
      .buffer,
  ];
  for (const { topic, partitions } of topicData) {
    parts.push(new Encoder().writeString(topic).writeInt32(partitions.length).buffer);
    for (const data of partitions) parts.push(await preparePartition(data, request));
  }
  const size = parts.reduce((sum, part) => sum + partSize(part), 0);
  const memory = topicData[0]?.memory ?? new RequestMemory();
  return new RequestPayload(
    { size, memory },
    (target, start) => parts.reduce((position, part) => writePart(target, position, part), start),
  );
}

async function preparePartition(
  { partition, messages, ...numbers }: PartitionData,
  request: ProduceRequest,
): Promise<WritablePartition> {
  const { transactionalId = null, compression = Compression.Types.None } = request;
  const batch = await prepareBatch(messages.map(toRecord), {
    firstSequence: numbers.firstSequence ?? 0,
    // kafkajs decodes producer ids as strings.
    producerId: Number(numbers.producerId ?? request.producerId ?? NO_PRODUCER_ID),
    producerEpoch: numbers.producerEpoch ?? request.producerEpoch ?? 0,
    compression,
    isTransactional: transactionalId !== null,
  });
  return { partition, batch };
}

function partSize(part: Bytes | WritablePartition): number {
  return part instanceof Uint8Array ? part.length : PARTITION_HEADER_SIZE + batchSize(part.batch);
}

function writePart(
  target: Buffer<ArrayBuffer>,
  start: number,
  part: Bytes | WritablePartition,
): number {
  if (part instanceof Uint8Array) {
    target.set(part, start);
    return start + part.length;
  }
  const batchStart = start + PARTITION_HEADER_SIZE;
  const end = writeBatch(target, batchStart, part.batch);
  target.writeInt32BE(part.partition, start);
  target.writeInt32BE(end - batchStart, start + 4);
  return end;
}

function toRecord(message: WritableRecord | Message): WritableRecord {
  if ("size" in message) return message;
  const { key = null, value, headers = [], timestamp } = message;
  const record = { key: toBytes(key), value: toBytes(value), headers };
  return {
    ...record,
    size: recordSize(record),
    ...(timestamp === undefined ? {} : { timestampMs: timestamp }),
  };
}

function toBytes(bytes: Bytes | string | null): Bytes | null {
  return typeof bytes === "string" ? Buffer.from(bytes) : bytes;
}
