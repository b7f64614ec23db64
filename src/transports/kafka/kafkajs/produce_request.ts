/**
 * Produce requests, versions 3 to 7. kafkajs's own accept no lists of headers, allocate many buffers for each record,
 * and report the first failed partition as a failure of the whole request.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import type { Bytes } from "../../../core/event.ts";
import { type RequestMemory, RequestPayload } from "./encoder.ts";
import { type CreateRequest, type KafkaRequest, withRequests } from "./own_requests.ts";
import { Encoder } from "./protocol.ts";
import {
  batchSize,
  prepareBatch,
  type ProducerIdentity,
  type WritableBatch,
  writeBatch,
} from "../records/batch_writer.ts";
import type { WritableRecord } from "../records/record_writer.ts";

/** The partition's number and the size of its batch, 4 bytes each. */
const PARTITION_HEADER_SIZE = 8;

/** A request to store records. */
export interface ProduceRequest {
  readonly acks: number;
  readonly timeout: number;
  readonly compression: number;
  readonly topicData: readonly [TopicData];
}

/** The records to store in a topic. */
export interface TopicData {
  readonly topic: string;
  readonly partitions: readonly PartitionData[];
  /** The buffer that the request is written to. */
  readonly memory: RequestMemory;
}

/** The records to store in a partition; those without numbers are not idempotent. */
export interface PartitionData extends Partial<ProducerIdentity> {
  readonly partition: number;
  readonly firstSequence?: number;
  readonly records: readonly WritableRecord[];
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

interface WritablePartition {
  readonly partition: number;
  readonly batch: WritableBatch;
}

/** The same broker, whose Produce requests this module writes. */
export function writingBatches<Broker extends object>(broker: Broker): Broker {
  return withRequests(broker, writtenHere);
}

/** Writes the requests that `create` would, and returns responses although partitions failed. */
export function writtenHere(create: CreateRequest): (request: ProduceRequest) => KafkaRequest {
  const { request, response } = create({ acks: -1, timeout: 0, topicData: [] } as never);
  const parse = (all: ProduceResponse) => Promise.resolve(all);
  return (own) => ({
    request: { ...request, expectResponse: () => own.acks !== 0, encode: () => encode(own) },
    response: { ...response, parse },
  });
}

async function encode(
  { acks, timeout, compression, topicData: [{ topic, partitions, memory }] }: ProduceRequest,
): Promise<RequestPayload> {
  const fields = new Encoder()
    .writeString(null) // the id of a transaction
    .writeInt16(acks)
    .writeInt32(timeout)
    .writeInt32(1) // the number of topics
    .writeString(topic)
    .writeInt32(partitions.length);
  const parts: (Bytes | WritablePartition)[] = [fields.buffer];
  for (const data of partitions) parts.push(await preparePartition(data, compression));
  const size = parts.reduce((sum, part) => sum + partSize(part), 0);
  return new RequestPayload(
    { size, memory },
    (target, start) => parts.reduce((position, part) => writePart(target, position, part), start),
  );
}

async function preparePartition(
  { partition, records, firstSequence = 0, producerId = -1, producerEpoch = 0 }: PartitionData,
  compression: number,
): Promise<WritablePartition> {
  const batch = await prepareBatch(records, {
    firstSequence,
    producerId,
    producerEpoch,
    compression,
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
