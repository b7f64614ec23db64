/**
 * The encodings that all clients of the classic group protocol share: Kafka's ConsumerProtocolSubscription and
 * ConsumerProtocolAssignment, versions 0 to 3. Each version appends fields, so those after the needed ones are not
 * read.
 *
 * @module
 */
import type { Bytes } from "../../../core/event.ts";
import { Encoder } from "./protocol.ts";

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
  const fields = new Fields(bytes);
  fields.version();
  return new Set(fields.array(() => fields.string()));
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
  const fields = new Fields(bytes);
  fields.version();
  fields.array(() => {
    const topic = fields.string();
    const partitions = fields.array(() => fields.int32());
    assignment.set(topic, [...new Set([...assignment.get(topic) ?? [], ...partitions])]);
  });
  return assignment;
}

/** Reads consecutive fields. Each method throws a `RangeError` when the bytes hold no such field. */
class Fields {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  version(): void {
    if (this.#int16() < 0) throw new RangeError("a version below 0");
  }

  int32(): number {
    const value = this.#view.getInt32(this.#position);
    this.#position += 4;
    return value;
  }

  string(): string {
    const length = this.#int16();
    const end = this.#position + length;
    if (length < 0 || end > this.#bytes.length) throw new RangeError("a text that is cut off");
    const text = new TextDecoder().decode(this.#bytes.subarray(this.#position, end));
    this.#position = end;
    return text;
  }

  array<Item>(read: () => Item): Item[] {
    const items: Item[] = [];
    for (let left = this.int32(); left > 0; left--) items.push(read());
    return items;
  }

  #int16(): number {
    const value = this.#view.getInt16(this.#position);
    this.#position += 2;
    return value;
  }
}
