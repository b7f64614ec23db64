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

/** Bytes of a 32 bit number as a variable-length one, at most. */
const MAX_VARINT_SIZE = 5;

/** Bytes of a UTF-16 code unit in UTF-8, at most. */
const MAX_UTF8_SIZE = 3;

const TEXT_ENCODER = new TextEncoder();

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
  const encodedHeaders = encodeHeaders(headers);
  const payload = (key?.length ?? 0) + (value?.length ?? 0) + encodedHeaders.length;
  const body = new Encoder(payload + MIN_RECORD_SIZE)
    .writeInt8(0)
    .writeVarLong(timestampDelta)
    .writeVarInt(offsetDelta)
    .writeVarIntBytes(asBuffer(key))
    .writeVarIntBytes(asBuffer(value))
    .writeVarInt(headers.length)
    .writeBuffer(encodedHeaders);
  const size = body.size();
  return new Encoder(size + MIN_RECORD_SIZE).writeVarInt(size).writeEncoder(body);
}

/** Into one buffer, as each call of kafkajs's encoder or the runtime's for texts would cost a microsecond. */
function encodeHeaders(headers: readonly RecordHeader[]): Buffer {
  const size = headers.reduce(
    (sum, [name, value]) =>
      sum + MAX_UTF8_SIZE * name.length + (value?.length ?? 0) + 2 * MAX_VARINT_SIZE,
    0,
  );
  const target = new Uint8Array(size);
  let position = 0;
  for (const [name, value] of headers) {
    position = writeText(target, position, name);
    position = writeBytes(target, position, value);
  }
  return Buffer.from(target.buffer, 0, position);
}

/** Writes a length in bytes and a text; returns the position behind it. */
function writeText(target: Bytes, start: number, text: string): number {
  let position = writeLength(target, start, text.length);
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) return writeBytes(target, start, TEXT_ENCODER.encode(text));
    target[position++] = code;
  }
  return position;
}

/** Writes a length and as many bytes, or the length -1 for null; returns the position behind them. */
function writeBytes(target: Bytes, start: number, bytes: Bytes | null): number {
  const position = writeLength(target, start, bytes?.length ?? -1);
  if (bytes === null) return position;
  target.set(bytes, position);
  return position + bytes.length;
}

/** A zigzag-encoded number of variable length, as Protocol Buffers have them. */
function writeLength(target: Bytes, start: number, length: number): number {
  let position = start;
  let rest = length < 0 ? -2 * length - 1 : 2 * length;
  for (; rest > 0x7f; rest >>>= 7) target[position++] = rest & 0x7f | 0x80;
  target[position++] = rest;
  return position;
}

/** kafkajs's encoder takes whatever is no Buffer for text. */
function asBuffer(bytes: Bytes | string | null): Buffer | null {
  if (bytes === null) return null;
  return typeof bytes === "string"
    ? Buffer.from(bytes)
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
