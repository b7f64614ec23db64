import { assert, assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { createKafka } from "../../../../src/transports/kafka/kafkajs/client.ts";
import { listenerConfig } from "../../../support/kafka/config.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const MEBIBYTE = 1024 * 1024;
/** Far below what is announced. */
const MAX_GROWTH = 64 * MEBIBYTE;

for (
  const { what, sent, reason } of [
    {
      what: "HTTP",
      sent: Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"),
      reason: "it answers by HTTP, not by Kafka's protocol: correct the port",
    },
    {
      what: "responses of no byte",
      sent: Buffer.alloc(MEBIBYTE),
      reason: "it sent a response of 0 bytes, which Kafka's protocol does not know: " +
        "correct the port",
    },
    {
      what: "a response of 2 GB",
      sent: Buffer.concat([Buffer.from([0x7f, 0xff, 0xff, 0xff]), Buffer.alloc(MEBIBYTE)]),
      reason: "it announced a response of 2147483647 bytes, more than receive.message.max.bytes " +
        "(100000000): correct the port, or raise receive.message.max.bytes",
    },
    {
      what: "a response to no request",
      sent: response(17, [0]),
      reason: "its response is to no request: correct the port",
    },
    {
      what: "a response with an array of two billion elements",
      sent: response(0, [0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0]),
      reason: "a response ends before its fields do",
    },
  ]
) {
  Deno.test(`a client closes the connection soon, and takes no memory, when a server sends ${what}`, async () => {
    using server = new SendingServer(sent);
    const recorded = new RecordedLog();
    const { consumerConfig } = listenerConfig({
      topic: "T",
      group: "G",
      keys: { "bootstrap.servers": server.address, "reconnect.backoff.ms": 1 },
    });
    const admin = createKafka(consumerConfig, {
      log: recorded.log,
      retry: { retries: 2, initialRetryTime: 1, maxRetryTime: 1 },
    }).admin();
    const before = usedMemory();
    const startedMs = performance.now();
    try {
      await assertRejects(() => admin.connect(), Error);
    } finally {
      await admin.disconnect();
    }
    assert(performance.now() - startedMs < consumerConfig.requestTimeoutMs);
    const growth = usedMemory() - before;
    assert(growth < MAX_GROWTH, `memory grew by ${Math.round(growth / MEBIBYTE)} MiB`);
    assertEquals(
      recorded.matching(/WARN/)[0],
      `WARN - cannot reach broker ${server.address}: ${reason}; trying again`,
    );
  });
}

/** Of this thread: other files of tests run in the same process. */
function usedMemory(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

/** Sends the same to everybody who sends something. */
class SendingServer implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections: Deno.Conn[] = [];

  constructor(sent: Uint8Array) {
    void this.#serve(sent);
  }

  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  async #serve(sent: Uint8Array): Promise<void> {
    for await (const connection of this.#listener) {
      this.#connections.push(connection);
      void connection.read(new Uint8Array(1024))
        .then(() => connection.write(sent))
        .catch(() => {});
    }
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
  }
}

/** A response with its size and correlation id. */
function response(correlationId: number, payload: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 + payload.length);
  bytes.writeInt32BE(4 + payload.length);
  bytes.writeInt32BE(correlationId, 4);
  bytes.set(payload, 8);
  return bytes;
}
