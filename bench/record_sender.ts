import { Buffer } from "node:buffer";
import type { Bytes } from "../src/core/event.ts";
import type { OutboundRecord } from "../src/core/result_processor.ts";
import {
  batchSize,
  prepareBatch,
  writeBatch,
} from "../src/transports/kafka/records/batch_writer.ts";
import { partitionOfKey } from "../src/transports/kafka/producer/murmur2.ts";
import { recordSize } from "../src/transports/kafka/records/record_writer.ts";
import { benchClient } from "./topics.ts";

const NO_COMPRESSION = 0;
const ACKS_OF_LEADER = 1;
const TIMEOUT_MS = 30_000;
const LENGTH_SIZE = 4;

/**
 * Sends records to one broker, each at once and in a request of its own, whether or not those before it were
 * acknowledged. It does not do more: a client for everything takes as much of the cores as what is measured.
 *
 * @see https://kafka.apache.org/protocol#The_Messages_Produce, version 3
 */
export class RecordSender implements AsyncDisposable {
  readonly #topic: string;
  readonly #partitionCount: number;
  readonly #connection: Deno.TcpConn;
  readonly #responsesRead: Promise<void>;
  #sent = 0;
  #acknowledged = 0;
  #isClosing = false;
  #allAcknowledged: PromiseWithResolvers<void> | undefined;

  private constructor(topic: string, partitionCount: number, connection: Deno.TcpConn) {
    this.#topic = topic;
    this.#partitionCount = partitionCount;
    this.#connection = connection;
    this.#responsesRead = this.#readResponses();
    this.#responsesRead.catch(() => {});
  }

  /** @param broker which must lead all partitions of the topic */
  static async open(broker: string, topic: string): Promise<RecordSender> {
    const admin = benchClient(broker).admin();
    await admin.connect();
    const partitions = await admin.fetchTopicOffsets(topic).finally(() => admin.disconnect());
    const separator = broker.lastIndexOf(":");
    const [hostname, port] = [broker.slice(0, separator), Number(broker.slice(separator + 1))];
    const connection = await Deno.connect({ hostname, port });
    connection.setNoDelay(true);
    return new RecordSender(topic, partitions.length, connection);
  }

  /** Resolves when the record, which has a key, is on its way. */
  async send(record: OutboundRecord & { readonly key: Bytes }): Promise<void> {
    const batch = await prepareBatch([{ ...record, size: recordSize(record) }], {
      compression: NO_COMPRESSION,
      producerId: -1,
      producerEpoch: -1,
      firstSequence: -1,
    });
    const head = this.#requestHead(partitionOfKey(record.key, this.#partitionCount));
    const request = Buffer.alloc(head.length + LENGTH_SIZE + batchSize(batch));
    request.set(head);
    const start = head.length + LENGTH_SIZE;
    const end = writeBatch(request, start, batch);
    request.writeInt32BE(end - start, head.length);
    request.writeInt32BE(end - LENGTH_SIZE, 0);
    this.#sent++;
    await writeAll(this.#connection, request.subarray(0, end));
  }

  /** Resolves when everything is stored. @throws {Error} when something was refused */
  async acknowledged(): Promise<void> {
    this.#allAcknowledged = Promise.withResolvers();
    this.#noteAcknowledged();
    await Promise.race([this.#allAcknowledged.promise, this.#responsesRead]);
  }

  #requestHead(partition: number): Uint8Array {
    const topic = Buffer.from(this.#topic);
    const fields = Buffer.alloc(44 + topic.length);
    let position = LENGTH_SIZE;
    const int16 = (value: number) => position = fields.writeInt16BE(value, position);
    const int32 = (value: number) => position = fields.writeInt32BE(value, position);
    int16(0); // Produce
    int16(3);
    int32(this.#sent);
    int16(-1); // no name of a client
    int16(-1); // no transaction
    int16(ACKS_OF_LEADER);
    int32(TIMEOUT_MS);
    int32(1); // topics
    int16(topic.length);
    position += topic.copy(fields, position);
    int32(1); // partitions
    int32(partition);
    return fields.subarray(0, position);
  }

  async #readResponses(): Promise<void> {
    let rest = Buffer.alloc(0);
    const errorCodeAt = LENGTH_SIZE + 4 + 4 + 2 + Buffer.byteLength(this.#topic) + 4 + 4;
    const chunk = new Uint8Array(16_384);
    for (;;) {
      const count = await this.#connection.read(chunk).catch((error) => {
        if (this.#isClosing) return null;
        throw error;
      });
      if (count === null) break;
      rest = Buffer.concat([rest, chunk.subarray(0, count)]);
      while (rest.length >= LENGTH_SIZE) {
        const end = LENGTH_SIZE + rest.readInt32BE(0);
        if (rest.length < end) break;
        const errorCode = rest.readInt16BE(errorCodeAt);
        if (errorCode !== 0) throw new Error(`the broker refuses a record: error ${errorCode}`);
        this.#acknowledged++;
        rest = rest.subarray(end);
      }
      this.#noteAcknowledged();
    }
    if (!this.#isClosing) throw new Error("the broker has closed the connection");
  }

  #noteAcknowledged(): void {
    if (this.#acknowledged === this.#sent) this.#allAcknowledged?.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    this.#connection.close();
    await this.#responsesRead.catch(() => {});
  }
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await connection.write(bytes.subarray(written));
  }
}
