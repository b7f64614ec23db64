/**
 * Produce requests, versions 3 to 7. kafkajs's own accept no lists of headers, allocate many buffers for each record,
 * and report the first failed partition as a failure of the whole request.
 *
 * @module
 */
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
  const fields: Bytes = new Encoder()
    .writeString(null) // the id of a transaction
    .writeInt16(acks)
    .writeInt32(timeout)
    .writeInt32(1) // the number of topics
    .writeString(topic)
    .writeInt32(partitions.length).buffer;
  const batches: { readonly partition: number; readonly batch: WritableBatch }[] = [];
  let size = fields.length;
  for (const { partition, records, ...numbers } of partitions) {
    const { firstSequence = 0, producerId = -1, producerEpoch = 0 } = numbers;
    const options = { firstSequence, producerId, producerEpoch, compression };
    const batch = await prepareBatch(records, options);
    batches.push({ partition, batch });
    size += PARTITION_HEADER_SIZE + batchSize(batch);
  }
  return new RequestPayload({ size, memory }, (target, start) => {
    target.set(fields, start);
    let position = start + fields.length;
    for (const { partition, batch } of batches) {
      const batchStart = position + PARTITION_HEADER_SIZE;
      const end = writeBatch(target, batchStart, batch);
      target.writeInt32BE(partition, position);
      target.writeInt32BE(end - batchStart, position + 4);
      position = end;
    }
    return position;
  });
}
