import { assertEquals } from "@std/assert";
import {
  consumerText,
  pipelineText,
  problemsOf,
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
  files: { "/ca.pem": CERTIFICATE, "/cert.pem": CERTIFICATE, "/key.pem": KEY, "/no.pem": "" },
};
const SASL = {
  "security.protocol": "sasl_ssl",
  "sasl.mechanism": "PLAIN",
  "sasl.username": "me",
  "sasl.password": "secret",
};

Deno.test("consumerConfig says what is wrong", async (t) => {
  const at = (key: string) => `['${key}']: `;
  const timeout = "expected a whole number from 1 to 3600000";
  const noTls = "has no effect without TLS: set security.protocol to ssl or sasl_ssl";
  const noSasl = "has no effect without SASL: set security.protocol to sasl_ssl";
  const commits = "eventor commits an event itself once its result is stored";
  const table: [Keys, string[]][] = [
    [{ "bootstrap.servers": undefined, "group.id": undefined }, [
      at("bootstrap.servers") + "required",
      at("group.id") + "required",
    ]],
    [{ "group.id": 123 }, [at("group.id") + "expected text in quotes, found the number 123"]],
    ...[
      "",
      ",",
      "a:0",
      "a:65536",
      "a b",
      "ssl://a:1",
      "::1",
      "a:",
      "-a",
      "a..b",
      "9092",
      "010.0.0.1:1",
    ].map(
      (servers): [Keys, string[]] => [{ "bootstrap.servers": servers }, [
        at("bootstrap.servers") + "expected 'host' or 'host:port', separated by commas, found " +
        (servers === "" ? "empty text" : `'${servers}'`),
      ]],
    ),
    [{ "auto.ofset.reset": "latest" }, [
      ": unknown key 'auto.ofset.reset', did you mean 'auto.offset.reset'?",
    ]],
    [{ "nothing.like.it.at.all": 1 }, [": unknown key 'nothing.like.it.at.all'"]],
    [{ acks: "all", "linger.ms": 5 }, [
      ".acks: belongs to a producerConfig",
      at("linger.ms") + "belongs to a producerConfig",
    ]],
    [{ "session.timeout.ms": 0 }, [at("session.timeout.ms") + `${timeout}, found the number 0`]],
    [{ "session.timeout.ms": "30s" }, [at("session.timeout.ms") + `${timeout}, found '30s'`]],
    [{ "session.timeout.ms": 1.5 }, [
      at("session.timeout.ms") + `${timeout}, found the number 1.5`,
    ]],
    [{ "session.timeout.ms": [1] }, [at("session.timeout.ms") + `${timeout}, found a list`]],
    [{ "auto.offset.reset": "error" }, [
      at("auto.offset.reset") + "'error' is not supported: write earliest or latest",
    ]],
    [{ "enable.auto.commit": true }, [at("enable.auto.commit") + `${commits}: write false`]],
    [{ "enable.auto.commit": "maybe" }, [
      at("enable.auto.commit") + "expected true or false, found 'maybe'",
    ]],
    [{ "enable.auto.offset.store": false }, [
      at("enable.auto.offset.store") + `${commits}: leave it out`,
    ]],
    [{ "group.protocol": "consumer" }, [
      at("group.protocol") + "the protocol of KIP-848 is not supported: leave it out",
    ]],
    [{ "group.instance.id": "a" }, [
      at("group.instance.id") + "static membership is not supported",
    ]],
    [{ "fetch.max.wait.ms": 5 }, [
      at("fetch.max.wait.ms") + "librdkafka's name for it is 'fetch.wait.max.ms'",
    ]],
    [{ "partition.assignment.strategy": "uniform" }, [
      at("partition.assignment.strategy") +
      "expected 'range', 'roundrobin' or 'range,roundrobin', found 'uniform'",
    ]],
    [{ "partition.assignment.strategy": "range,range" }, [
      at("partition.assignment.strategy") +
      "expected 'range', 'roundrobin' or 'range,roundrobin', found 'range,range'",
    ]],
    [{ "partition.assignment.strategy": "cooperative-sticky,roundrobin" }, [
      at("partition.assignment.strategy") +
      "'cooperative-sticky' is not supported: write range,roundrobin here, and add range to the " +
      "other members of the group",
    ]],
    [{ "max.partition.fetch.bytes": 5, "fetch.message.max.bytes": 6 }, [
      at("fetch.message.max.bytes") +
      "another value than 'max.partition.fetch.bytes', which means the same",
    ]],
    [{ "heartbeat.interval.ms": 30_000 }, [
      at("heartbeat.interval.ms") + "must be less than session.timeout.ms (30000)",
    ]],
    [{ "max.poll.interval.ms": 5000 }, [
      at("max.poll.interval.ms") + "must not be less than session.timeout.ms (30000)",
    ]],
    [{ "receive.message.max.bytes": 1_000_000 }, [
      at("receive.message.max.bytes") + "must be at least fetch.max.bytes + 512 (10486272)",
    ]],
    [{ "fetch.wait.max.ms": 10_000 }, [
      at("fetch.wait.max.ms") + "must be less than socket.timeout.ms (10000)",
    ]],
    [{ "security.protocol": "tls", "sasl.username": "me" }, [
      at("security.protocol") +
      "expected 'plaintext', 'ssl', 'sasl_plaintext' or 'sasl_ssl', found 'tls'",
    ]],
    [{ "ssl.ca.location": "/ca.pem" }, [at("ssl.ca.location") + noTls]],
    [{ "sasl.username": "me" }, [at("sasl.username") + noSasl]],
    [{ "security.protocol": "sasl_ssl" }, [
      at("sasl.mechanism") + "required, as security.protocol asks for SASL",
    ]],
    [{ ...SASL, "sasl.mechanism": "GSSAPI" }, [at("sasl.mechanism") + "Kerberos is not supported"]],
    [{ ...SASL, "sasl.kerberos.keytab": "/a" }, [
      at("sasl.kerberos.keytab") + "Kerberos is not supported",
    ]],
    [{ "rebalance_cb": "a" }, [".rebalance_cb: it exists only in the C library librdkafka"]],
    [{ "ssl.keystore.password": "a" }, [
      at("ssl.keystore.password") +
      "PKCS#12 is not supported: use ssl.certificate.location and ssl.key.location",
    ]],
    [{ "security.protocol": "ssl", "ssl.ca.location": "/absent" }, [
      at("ssl.ca.location") + "cannot read the file '/absent' (NotFound)",
    ]],
    [{ "security.protocol": "ssl", "ssl.ca.location": "/key.pem" }, [
      at("ssl.ca.location") + "expected the path of a PEM file with a certificate: " +
      "it holds 'ENCRYPTED PRIVATE KEY': put nothing but certificates in it",
    ]],
    [{ "security.protocol": "ssl", "ssl.ca.location": 5 }, [
      at("ssl.ca.location") + "expected the path of a PEM file with a certificate, " +
      "found the number 5",
    ]],
    [{ "security.protocol": "ssl", "ssl.key.location": "/key.pem", "ssl.key.pem": KEY }, [
      at("ssl.key.pem") + "can't be combined with 'ssl.key.location': leave one of them out",
      at("ssl.certificate.location") + "required with a key (or ssl.certificate.pem)",
    ]],
    [{ "security.protocol": "ssl", "ssl.certificate.pem": CERTIFICATE }, [
      at("ssl.key.location") + "required with a certificate (or ssl.key.pem)",
    ]],
    [{ "security.protocol": "ssl", "ssl.key.password": "a" }, [
      at("ssl.key.password") + "there is no key for it",
    ]],
  ];
  for (const [keys, expected] of table) {
    await t.step(JSON.stringify(keys).slice(0, 100), () => {
      assertEquals(
        problemsOf(consumerText(keys), FILES),
        expected.map((line) => `pipeline 'orders': eventListener.consumerConfig${line}`),
      );
    });
  }
});

Deno.test("producerConfig says what is wrong", async (t) => {
  const transactions = "transactions are not supported";
  const table: [Keys, string][] = [
    [{ acks: 0 }, ".acks: with 0, results could be lost unnoticed: write all"],
    [{ acks: 2 }, ".acks: expected all, -1 or 1, found the number 2"],
    [
      { "compression.type": "brotli" },
      "['compression.type']: expected 'none', 'gzip', 'snappy', 'lz4' or 'zstd', found 'brotli'",
    ],
    [
      { partitioner: "consistent" },
      ".partitioner: only 'murmur2_random' is supported: leave it out",
    ],
    [{ "transactional.id": "a" }, `['transactional.id']: ${transactions}`],
    [{ "group.id": "a" }, "['group.id']: belongs to a consumerConfig"],
    [{ "enable.idempotence": true, acks: 1 }, ".acks: enable.idempotence needs all"],
    [{ "enable.idempotence": true, retries: 0 }, ".retries: enable.idempotence needs 1 or more"],
  ];
  for (const [keys, expected] of table) {
    await t.step(JSON.stringify(keys), () => {
      const place = "pipeline 'orders': eventResultProcessor.producerConfig";
      assertEquals(problemsOf(producerText(keys)), [place + expected]);
    });
  }
});

Deno.test("a topic is one that Kafka would take", async (t) => {
  for (const topic of [".", "..", "", "a b", "a/b", "ü", "a".repeat(250), "${env:ABSENT:-a b}"]) {
    await t.step(topic.slice(0, 20), () => {
      const [problem] = problemsOf(topicText(topic));
      assertEquals(
        problem?.split(", found")[0],
        "pipeline 'orders': eventListener.topic: expected a Kafka topic: " +
          "1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-'",
      );
    });
  }
  for (const topic of ["a", "A.b_c-9", "...", "a".repeat(249)]) {
    await t.step(topic.slice(0, 20), () => assertEquals(problemsOf(topicText(topic)), []));
  }
});

function topicText(topic: string): string {
  const consumerConfig = { "bootstrap.servers": "localhost", "group.id": "orders" };
  return pipelineText({ eventListener: { type: "kafka", topic, consumerConfig } });
}
