/**
 * The encodings that all clients of the classic group protocol share: Kafka's ConsumerProtocolSubscription and
 * ConsumerProtocolAssignment, versions 0 to 3. Each version appends fields, so those after the needed ones are not
 * read.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Bytes } from "../../../core/event.ts";
import { Decoder, Encoder } from "./protocol.ts";

const VERSION = 0;
const NO_USER_DATA = new Uint8Array(0);

/** Partitions by topic. */
export type TopicPartitions = ReadonlyMap<string, readonly number[]>;

/**
 * Encodes this member's subscription. The partition counts are for the coordinator: a member that rejoins with an
 * unchanged subscription and does not lead triggers no new assignment.
 */
export function encodeSubscription(partitionCounts: ReadonlyMap<string, number>): Bytes {
  const userData = new Encoder();
  for (const count of partitionCounts.values()) userData.writeInt32(count);
  return new Encoder().writeInt16(VERSION).writeArray([...partitionCounts.keys()])
    .writeBytes(userData.buffer).buffer;
}

/**
 * Decodes the topics of a member's subscription.
 *
 * @throws {RangeError} when the bytes are not a subscription
 */
export function decodeSubscription(bytes: Uint8Array): ReadonlySet<string> {
  const decoder = decoderOf(bytes);
  return new Set(decoder.readArray(() => readTopic(decoder)));
}

/** Encodes the partitions that the leader assigns to a member. */
export function encodeAssignment(assignment: TopicPartitions): Bytes {
  const topics = [...assignment].map(([topic, partitions]) =>
    new Encoder().writeString(topic).writeArray(partitions)
  );
  return new Encoder().writeInt16(VERSION).writeArray(topics).writeBytes(NO_USER_DATA).buffer;
}

/**
 * Decodes the partitions assigned to this member. They may include topics that it does not subscribe to.
 *
 * @throws {RangeError} when the bytes are not an assignment
 */
export function decodeAssignment(bytes: Uint8Array | null): TopicPartitions {
  const assignment = new Map<string, readonly number[]>();
  // A coordinator sends no bytes to a member that the leader left out.
  if (bytes === null || bytes.length === 0) return assignment;
  const decoder = decoderOf(bytes);
  decoder.readArray(() => {
    const topic = readTopic(decoder);
    const partitions: number[] = decoder.readArray(() => decoder.readInt32());
    assignment.set(topic, [...new Set([...assignment.get(topic) ?? [], ...partitions])]);
  });
  return assignment;
}

/** A decoder of bytes that begin with a version. It throws a `RangeError` when they end before their fields do. */
function decoderOf({ buffer, byteOffset, length }: Uint8Array): Decoder {
  const decoder = new Decoder(Buffer.from(buffer, byteOffset, length));
  if (decoder.readInt16() < 0) throw new RangeError("a version below 0");
  return decoder;
}

function readTopic(decoder: Decoder): string {
  const topic = decoder.readString();
  if (topic === null) throw new RangeError("a topic without a name");
  return topic;
}
