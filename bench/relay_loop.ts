/**
 * `deno run --allow-all bench/relay_loop.ts BROKER EVENTS RESULTS URL`: fetches events, sends each to the endpoint and
 * stores what comes back, with the least code that can, for as long as it is let. It keeps no order, commits nothing and
 * ends at the first failure: what it takes, everything on this machine takes that does the same.
 *
 * @see https://kafka.apache.org/protocol#The_Messages_Fetch, version 4
 */
import { Buffer } from "node:buffer";
import { RecordBatch } from "../src/transports/kafka/records/record_batch.ts";
import { BATCH_FIELDS } from "../src/transports/kafka/records/batch_fields.ts";
import { RecordSender } from "./record_sender.ts";
import { PARTITIONS } from "./topics.ts";

const [broker = "", eventTopic = "", resultTopic = "", endpoint = ""] = Deno.args;
const MAX_WAIT_MS = 500;
const MAX_BYTES = 1_000_000;
const TEXT_ENCODER = new TextEncoder();
const TEXT_DECODER = new TextDecoder("latin1");

/** A connection that is asked one thing after the other. */
class Dialog {
  readonly #connection: Deno.TcpConn;
  readonly #memory = Buffer.alloc(2 * MAX_BYTES);

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async open(host: string): Promise<Dialog> {
    const { hostname, port } = new URL(`tcp://${host}`);
    const connection = await Deno.connect({ hostname, port: Number(port) });
    connection.setNoDelay(true);
    return new Dialog(connection);
  }

  /** @param sizeOf how long the answer is, once enough of it has come to tell */
  async ask(
    question: Uint8Array,
    sizeOf: (begun: Buffer<ArrayBuffer>) => number | undefined,
  ): Promise<Buffer<ArrayBuffer>> {
    await this.#connection.write(question);
    for (let length = 0;;) {
      const read = await this.#connection.read(this.#memory.subarray(length));
      if (read === null) throw new Error("the other side has closed the connection");
      length += read;
      const size = sizeOf(this.#memory.subarray(0, length));
      if (size !== undefined && size <= length) return this.#memory.subarray(0, size);
    }
  }
}

const { host, pathname } = new URL(endpoint);
const sender = await RecordSender.open(broker, resultTopic);
const brokerDialog = await Dialog.open(broker);
const endpointDialog = await Dialog.open(host);
const nextOffsets = Array<number>(PARTITIONS).fill(0);
const topicBytes = TEXT_ENCODER.encode(resultTopic);

for (;;) {
  const response = await brokerDialog.ask(
    fetchRequest(),
    (begun) => begun.length < 4 ? undefined : 4 + begun.readInt32BE(0),
  );
  for (const { partition, batch } of batchesOf(response)) {
    // The memory of the response holds the next one before all of its events have been handled.
    const records = await new RecordBatch(Buffer.from(batch)).open();
    for (let next = records.next(); !next.done; next = records.next()) {
      const { offset, key, value } = next.value;
      if (offset < nextOffsets[partition]! || key === null || value === null) continue;
      nextOffsets[partition] = offset + 1;
      const result = await call(value);
      await sender.send({
        key,
        value: result,
        headers: [
          ["eventor-source-topic", topicBytes],
          ["eventor-source-partition", TEXT_ENCODER.encode(`${partition}`)],
          ["eventor-source-offset", TEXT_ENCODER.encode(`${offset}`)],
        ],
      });
    }
  }
}

function fetchRequest(): Uint8Array {
  const topic = Buffer.from(eventTopic);
  const request = Buffer.alloc(45 + topic.length + PARTITIONS * 16);
  let position = 4;
  const int16 = (value: number) => position = request.writeInt16BE(value, position);
  const int32 = (value: number) => position = request.writeInt32BE(value, position);
  int16(1); // Fetch
  int16(4);
  int32(0); // correlation
  int16(-1); // no name of a client
  int32(-1); // no replica
  int32(MAX_WAIT_MS);
  int32(1); // bytes at least
  int32(MAX_BYTES);
  position = request.writeInt8(0, position); // also what transactions have not committed
  int32(1); // topics
  int16(topic.length);
  position += topic.copy(request, position);
  int32(PARTITIONS);
  for (const [partition, offset] of nextOffsets.entries()) {
    int32(partition);
    position = request.writeBigInt64BE(BigInt(offset), position);
    int32(MAX_BYTES);
  }
  request.writeInt32BE(position - 4, 0);
  return request.subarray(0, position);
}

function* batchesOf(
  response: Buffer<ArrayBuffer>,
): Generator<{ partition: number; batch: Buffer<ArrayBuffer> }> {
  // Behind the size come correlation, throttling, the number of topics, and the topic's name.
  let position = 16;
  position += 2 + response.readInt16BE(position);
  const partitions = response.readInt32BE(position);
  position += 4;
  for (let index = 0; index < partitions; index++) {
    const partition = response.readInt32BE(position);
    const errorCode = response.readInt16BE(position + 4);
    if (errorCode !== 0) throw new Error(`the broker refuses to be asked: error ${errorCode}`);
    position += 4 + 2 + 8 + 8;
    position += 4 + 16 * Math.max(0, response.readInt32BE(position)); // aborted transactions
    const end = position + 4 + Math.max(0, response.readInt32BE(position));
    position += 4;
    while (position + BATCH_FIELDS.lengthEnd <= end) {
      const length = BATCH_FIELDS.lengthEnd + response.readInt32BE(position + BATCH_FIELDS.length);
      if (position + length > end) break;
      yield { partition, batch: response.subarray(position, position + length) };
      position += length;
    }
    position = end;
  }
}

async function call(body: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const head = TEXT_ENCODER.encode(
    `POST ${pathname} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  const request = new Uint8Array(head.length + body.length);
  request.set(head);
  request.set(body, head.length);
  let bodyStart = 0;
  const response = await endpointDialog.ask(request, (begun) => {
    const text = TEXT_DECODER.decode(begun);
    bodyStart = text.indexOf("\r\n\r\n") + 4;
    const length = /^content-length: (\d+)/im.exec(text)?.[1];
    return bodyStart < 4 || length === undefined ? undefined : bodyStart + Number(length);
  });
  return new Uint8Array(response.subarray(bodyStart));
}
