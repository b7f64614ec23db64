/**
 * Teaches kafkajs record headers as Kafka has them: an ordered list of names and bytes or null. Its own codec makes an
 * object of them, which throws on null, loses the order, breaks on names such as `constructor`, and takes quadratic time.
 *
 * @see https://kafka.apache.org/documentation/#record
 * @module
 */
import { Buffer } from "node:buffer";
import Decoder from "kafkajs/src/protocol/decoder.js";
import Encoder from "kafkajs/src/protocol/encoder.js";
import Compression from "kafkajs/src/protocol/message/compression/index.js";
import RecordBatchCodec from "kafkajs/src/protocol/recordBatch/v0/index.js";
import Requests from "kafkajs/src/protocol/requests/index.js";
import type { Bytes, RecordHeader } from "../../event.ts";

/** Bytes of a record besides its key, value and headers; where it starts to grow from. */
const MIN_RECORD_SIZE = 64;

/** A message of a produce request as kafkajs hands it on. */
interface Message {
  readonly key?: Bytes | string | null;
  readonly value: Bytes | string | null;
  readonly headers?: readonly RecordHeader[];
  readonly timestamp?: number;
}

interface PartitionData {
  readonly partition: number;
  readonly firstSequence: number;
  readonly messages: readonly Message[];
}

interface ProduceRequest {
  readonly acks: number;
  readonly timeout: number;
  readonly transactionalId?: string;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly compression?: number;
  readonly topicData: readonly { topic: string; partitions: readonly PartitionData[] }[];
}

/** From here on, fetched messages have `headers` as a list, and messages to be sent take such a list. */
export function useHeaderLists(): void {
  // The record decoder is the only user of this method, and folds what it returns into an object.
  Decoder.prototype.readVarIntArray = function () {
    const count = this.readVarInt();
    const headers: RecordHeader[] = [];
    for (let i = 0; i < count; i++) headers.push([this.readVarIntString(), this.readVarIntBytes()]);
    return { reduce: () => headers };
  };

  const { versions, protocol } = Requests.requests.Produce;
  Requests.requests.Produce = {
    versions,
    protocol: (choice: { version: number }) => (request: ProduceRequest) => {
      const kafkajs = protocol(choice)(request);
      return { ...kafkajs, request: { ...kafkajs.request, encode: () => encodeProduce(request) } };
    },
  };
}

/** Produce request, versions 3 to 7, which differ only in what the response may hold. */
async function encodeProduce(request: ProduceRequest): Promise<Encoder> {
  const { acks, timeout, transactionalId = null, topicData } = request;
  const topics = [];
  for (const { topic, partitions } of topicData) {
    const encoded = [];
    for (const data of partitions) encoded.push(await encodePartition(data, request));
    topics.push(new Encoder().writeString(topic).writeArray(encoded));
  }
  return new Encoder()
    .writeString(transactionalId)
    .writeInt16(acks)
    .writeInt32(timeout)
    .writeArray(topics);
}

async function encodePartition(
  { partition, messages, firstSequence }: PartitionData,
  { transactionalId, producerId, producerEpoch, compression }: ProduceRequest,
): Promise<Encoder> {
  const now = Date.now();
  const timestamps = messages.map(({ timestamp }) => timestamp ?? now);
  const firstTimestamp = Math.min(...timestamps);
  const batch = await RecordBatchCodec.RecordBatch({
    compression: compression ?? Compression.Types.None,
    records: messages.map((message, index) =>
      encodeRecord(message, {
        offsetDelta: index,
        timestampDelta: (timestamps[index] ?? now) - firstTimestamp,
      })
    ),
    firstTimestamp,
    maxTimestamp: Math.max(...timestamps),
    producerId,
    producerEpoch,
    firstSequence,
    transactional: transactionalId !== undefined && transactionalId !== null,
    lastOffsetDelta: messages.length - 1,
  });
  return new Encoder().writeInt32(partition).writeInt32(batch.size()).writeEncoder(batch);
}

function encodeRecord(
  { key = null, value, headers = [] }: Message,
  { offsetDelta, timestampDelta }: { offsetDelta: number; timestampDelta: number },
): Encoder {
  const body = new Encoder((key?.length ?? 0) + (value?.length ?? 0) + MIN_RECORD_SIZE)
    .writeInt8(0)
    .writeVarLong(timestampDelta)
    .writeVarInt(offsetDelta)
    .writeVarIntBytes(asBuffer(key))
    .writeVarIntBytes(asBuffer(value))
    .writeVarInt(headers.length);
  for (const [name, headerValue] of headers) {
    body.writeVarIntString(name).writeVarIntBytes(asBuffer(headerValue));
  }
  const size = body.size();
  return new Encoder(size + MIN_RECORD_SIZE).writeVarInt(size).writeEncoder(body);
}

/** kafkajs's encoder takes whatever is no Buffer for text. */
function asBuffer(bytes: Bytes | string | null): Buffer | null {
  if (bytes === null) return null;
  return typeof bytes === "string"
    ? Buffer.from(bytes)
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
