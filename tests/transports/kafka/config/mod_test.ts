import { assertEquals } from "@std/assert";
import type { Config } from "../../../../src/config/schema.ts";
import {
  type KafkaConsumerConfig,
  kafkaDeadLetterSchema,
  type KafkaProducerConfig,
} from "../../../../src/transports/kafka/config/mod.ts";
import {
  configOf,
  consumerText,
  producerText,
  type Surroundings,
} from "../../../config/loading.ts";
import { CertificateAuthority } from "../../../support/tls/certificate_authority.ts";
import { encryptedKey } from "../../../support/tls/encrypted_key.ts";

type Keys = Record<string, unknown>;

const CLIENT = new CertificateAuthority().clientCertificate();
const CERTIFICATE = CLIENT.cert;
const KEY = await encryptedKey(CLIENT.key, "secret");
const FILES: Surroundings = {
  files: {
    "/ca.pem": CERTIFICATE,
    "/cert.pem": CERTIFICATE,
    "/key.pem": KEY,
    "/open.pem": CLIENT.key,
  },
};
const SASL = {
  "security.protocol": "sasl_ssl",
  "sasl.mechanism": "PLAIN",
  "sasl.username": "me",
  "sasl.password": "secret",
};

Deno.test("consumerConfig speaks librdkafka", async (t) => {
  const table: [Keys, Partial<KafkaConsumerConfig>][] = [
    [{ "bootstrap.servers": " A.example , b:1,[::1], [0:0::0:1]:9092,a.EXAMPLE:9092," }, {
      bootstrapServers: ["a.example:9092", "b:1", "[::1]:9092"],
    }],
    [{ "client.id": "me" }, { clientId: "me" }],
    [{ "session.timeout.ms": "10000" }, { sessionTimeoutMs: 10_000 }],
    [{ "session.timeout.ms": 90_000 }, { sessionTimeoutMs: 90_000, rebalanceTimeoutMs: 90_000 }],
    [{ "max.poll.interval.ms": 300_000 }, { rebalanceTimeoutMs: 300_000 }],
    [{ "heartbeat.interval.ms": 1000 }, { heartbeatIntervalMs: 1000 }],
    ...["earliest", "smallest", "Beginning"].map((word): [Keys, Partial<KafkaConsumerConfig>] => [
      { "auto.offset.reset": word },
      { autoOffsetReset: "earliest" },
    ]),
    ...["latest", "largest", "end"].map((word): [Keys, Partial<KafkaConsumerConfig>] => [
      { "auto.offset.reset": word },
      { autoOffsetReset: "latest" },
    ]),
    [{}, { autoOffsetReset: "latest", readUncommitted: false, allowAutoTopicCreation: false }],
    [{ "isolation.level": "read_uncommitted" }, { readUncommitted: true }],
    [{ "max.partition.fetch.bytes": 5, "fetch.message.max.bytes": "5" }, {
      maxBytesPerPartition: 5,
    }],
    [{ "fetch.max.bytes": 7, "fetch.min.bytes": 2, "fetch.wait.max.ms": 9 }, {
      maxBytes: 7,
      minBytes: 2,
      maxWaitTimeMs: 9,
    }],
    [{ "client.rack": "a" }, { rackId: "a" }],
    [{}, { maxResponseBytes: 100_000_000 }],
    [{ "receive.message.max.bytes": 20_000_000 }, { maxResponseBytes: 20_000_000 }],
    [{ "fetch.max.bytes": 200_000_000 }, { maxResponseBytes: 200_000_512 }],
    [{ "metadata.max.age.ms": 5 }, { metadataMaxAgeMs: 5 }],
    [{ "topic.metadata.refresh.interval.ms": 10 }, { metadataMaxAgeMs: 10 }],
    [{ "retry.backoff.ms": 5, "retry.backoff.max.ms": 6 }, {
      reconnectBackoffMs: 5,
      reconnectBackoffMaxMs: 6,
    }],
    [{ "reconnect.backoff.ms": 40_000 }, {
      reconnectBackoffMs: 40_000,
      reconnectBackoffMaxMs: 40_000,
    }],
    [{ "allow.auto.create.topics": "True" }, { allowAutoTopicCreation: true }],
    [{ "enable.auto.commit": "false", "group.protocol": "classic" }, {}],
    [{ "partition.assignment.strategy": "roundrobin, range" }, {
      assignmentStrategies: ["roundrobin", "range"],
    }],
    [{ "partition.assignment.strategy": "range" }, { assignmentStrategies: ["range"] }],
    [{ "security.protocol": "SSL" }, {
      tls: { verifyCertificate: true, verifyHostname: true },
    }],
    [{ "security.protocol": "ssl", "ssl.ca.location": "probe" }, {
      tls: { verifyCertificate: true, verifyHostname: true },
    }],
    [{
      "security.protocol": "ssl",
      "ssl.ca.location": "/ca.pem",
      "ssl.certificate.location": "/cert.pem",
      "ssl.key.location": "/key.pem",
      "ssl.key.password": "secret",
    }, {
      tls: {
        ca: CERTIFICATE,
        cert: CERTIFICATE,
        key: CLIENT.key,
        verifyCertificate: true,
        verifyHostname: true,
      },
    }],
    [{
      "security.protocol": "ssl",
      "ssl.ca.pem": CERTIFICATE,
      "ssl.certificate.pem": CERTIFICATE,
      "ssl.key.pem": "${file:/open.pem}",
    }, {
      tls: {
        ca: CERTIFICATE,
        cert: CERTIFICATE,
        key: CLIENT.key,
        verifyCertificate: true,
        verifyHostname: true,
      },
    }],
    [SASL, {
      tls: { verifyCertificate: true, verifyHostname: true },
      sasl: { mechanism: "plain", username: "me", password: "secret" },
    }],
    [{ ...SASL, "sasl.mechanism": undefined, "sasl.mechanisms": "scram-sha-512" }, {
      sasl: { mechanism: "scram-sha-512", username: "me", password: "secret" },
    }],
  ];
  for (const [keys, expected] of table) {
    await t.step(JSON.stringify(keys).slice(0, 100), () => {
      const config = configOf(consumerText(keys), FILES);
      const listener = config.pipelines[0]?.eventListener;
      assertSubset(Reflect.get(listener ?? {}, "consumerConfig"), expected);
      assertEquals(config.warnings, []);
    });
  }
});

Deno.test("producerConfig speaks librdkafka", async (t) => {
  const table: [Keys, Partial<KafkaProducerConfig>][] = [
    [{}, { acks: -1, compression: "none", idempotent: false, retries: 3 }],
    [{ acks: "all" }, { acks: -1 }],
    [{ "request.required.acks": -1 }, { acks: -1 }],
    [{ acks: -1, "request.required.acks": "all" }, { acks: -1 }],
    [{ "compression.codec": "zstd" }, { compression: "zstd" }],
    [{ "compression.type": "lz4" }, { compression: "lz4" }],
    [{ "request.timeout.ms": 5 }, { requestTimeoutForAcksMs: 5 }],
    [{ "message.send.max.retries": 0 }, { retries: 0 }],
    [{ "enable.idempotence": true }, { idempotent: true }],
    [{ "max.in.flight": 1 }, { maxInFlightRequests: 1 }],
    [{}, { lingerMs: 0, maxRecordBytes: 1_000_000, maxBatchBytes: 1_000_000 }],
    [{ "linger.ms": 5, "queue.buffering.max.ms": "5" }, { lingerMs: 5 }],
    [{ "message.max.bytes": 5000 }, { maxRecordBytes: 5000 }],
    [{ "batch.size": 6, "batch.num.messages": 7 }, { maxBatchBytes: 6, maxBatchRecords: 7 }],
    [{ partitioner: "murmur2_random" }, {}],
  ];
  for (const [keys, expected] of table) {
    await t.step(JSON.stringify(keys), () => {
      const config = configOf(producerText(keys));
      const processor = config.pipelines[0]?.eventResultProcessor[0];
      assertSubset(Reflect.get(processor ?? {}, "producerConfig"), expected);
      assertEquals(config.warnings, []);
    });
  }
});

Deno.test("producerConfig of a deadLetter leaves it to the topic what is too large, unless it says so itself", () => {
  const read = (keys: Keys) => {
    const { maxRecordBytes, compression, maxBatchBytes } = kafkaDeadLetterSchema.parse({
      type: "kafka",
      topic: "DLQ",
      producerConfig: { "bootstrap.servers": "localhost:9092", ...keys },
    }).producerConfig;
    return { maxRecordBytes, compression, maxBatchBytes };
  };
  const maxBatchBytes = 1_000_000;
  assertEquals(read({}), { maxRecordBytes: 100_000_000, compression: "gzip", maxBatchBytes });
  assertEquals(read({ "message.max.bytes": 5000, "compression.type": "none" }), {
    maxRecordBytes: 5000,
    compression: "none",
    maxBatchBytes,
  });
});

Deno.test("Kafka's sections warn of what is accepted but hardly meant", async (t) => {
  const table: [string, string[]][] = [
    [consumerText({ ...SASL, "security.protocol": "sasl_plaintext" }), [
      "security.protocol sasl_plaintext shows user name and password to the network",
    ]],
    [consumerText({ "security.protocol": "ssl", "enable.ssl.certificate.verification": false }), [
      "enable.ssl.certificate.verification false lets anyone pose as a broker",
    ]],
    [
      consumerText({
        "security.protocol": "ssl",
        "ssl.endpoint.identification.algorithm": "none",
      }),
      ["ssl.endpoint.identification.algorithm none lets other hosts pose as a broker"],
    ],
    [consumerText({ "reconnect.backoff.ms": 5, "retry.backoff.ms": 6 }), [
      "retry.backoff.ms has no effect in eventor beside reconnect.backoff.ms",
    ]],
    [consumerText({ "auto.commit.interval.ms": 5, "queued.min.messages": 5 }), [
      "auto.commit.interval.ms has no effect in eventor, which decides when to commit",
      "queued.min.messages has no effect in eventor, which has its own limits for prefetching",
    ]],
    [producerText({ acks: 1, "queue.buffering.max.messages": 5 }), [
      "queue.buffering.max.messages has no effect in eventor: the pipeline's maxBufferedBytes limits " +
      "waiting results",
      "acks 1 loses a result when the broker that stored it fails: write all",
    ]],
    [producerText({ "max.in.flight": 5 }), [
      "max.in.flight is 1 in eventor's producers: what comes meanwhile shares a request",
    ]],
    [consumerText({ "message.max.bytes": 5000 }), [
      "message.max.bytes has no effect in eventor: a consumer sends no records",
    ]],
  ];
  for (const [text, expected] of table) {
    await t.step(expected.join(), () => {
      const { warnings }: Config = configOf(text);
      assertEquals(
        warnings.map(({ message }) => message.replace(/^event[A-Za-z]+: /, "")),
        expected,
      );
    });
  }
});

function assertSubset(actual: unknown, expected: object): void {
  const found = Object.keys(expected).map((key) => [key, Reflect.get(Object(actual), key)]);
  assertEquals(Object.fromEntries(found), expected);
}
