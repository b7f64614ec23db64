import { assertEquals, assertGreater } from "@std/assert";
import {
  kafkaDeadLetterSchema,
  kafkaListenerSchema,
} from "../../../../src/transports/kafka/config/mod.ts";
import {
  consumerConfigOf,
  producerConfigOf,
} from "../../../../src/transports/kafka/config/derived.ts";

/** What says how to reach the brokers. */
const CONNECTION = {
  "bootstrap.servers": "broker:9093",
  "client.id": "mine",
  "security.protocol": "sasl_ssl",
  "sasl.mechanism": "PLAIN",
  "sasl.username": "user",
  "sasl.password": "password",
  "socket.connection.setup.timeout.ms": 7000,
  "metadata.max.age.ms": 30_000,
  "reconnect.backoff.ms": 250,
  "reconnect.backoff.max.ms": 4000,
};

const CONSUMER = kafkaListenerSchema.parse({
  type: "kafka",
  topic: "ORDERS",
  consumerConfig: {
    ...CONNECTION,
    "group.id": "orders",
    "auto.offset.reset": "latest",
    "socket.timeout.ms": 1000,
  },
}).consumerConfig;

const PRODUCER = kafkaDeadLetterSchema.parse({
  type: "kafka",
  topic: "DEAD",
  producerConfig: { ...CONNECTION, acks: 1 },
}).producerConfig;

const CLIENT = {
  bootstrapServers: ["broker:9093"],
  clientId: "mine",
  tls: { verifyCertificate: true, verifyHostname: true },
  sasl: { mechanism: "plain", username: "user", password: "password" },
  connectionTimeoutMs: 7000,
  metadataMaxAgeMs: 30_000,
  maxResponseBytes: 100_000_000,
  reconnectBackoffMs: 250,
  reconnectBackoffMaxMs: 4000,
  allowAutoTopicCreation: false,
};

function pick(config: object): object {
  return Object.fromEntries(Object.entries(config).filter(([name]) => name in CLIENT));
}

Deno.test("consumerConfigOf() reaches the producer's brokers, and reads all from the first record on", () => {
  const config = consumerConfigOf(PRODUCER, { groupId: "redrive" });
  assertEquals(pick(config), CLIENT);
  assertEquals([config.groupId, config.autoOffsetReset], ["redrive", "earliest"]);
  assertGreater(config.sessionTimeoutMs, config.heartbeatIntervalMs);
  assertGreater(config.requestTimeoutMs, config.maxWaitTimeMs);
});

Deno.test("producerConfigOf() reaches the consumer's brokers, and has all of them store a record", () => {
  const config = producerConfigOf(CONSUMER);
  assertEquals(pick(config), CLIENT);
  assertEquals(config.acks, -1);
  assertGreater(config.requestTimeoutMs, config.requestTimeoutForAcksMs);
});

Deno.test("derived configurations have every key of those that are written", () => {
  const keys = (config: object) => Object.keys(config).toSorted();
  assertEquals(keys(consumerConfigOf(PRODUCER, { groupId: "redrive" })), keys(CONSUMER));
  assertEquals(keys(producerConfigOf(CONSUMER)), keys(PRODUCER));
});
