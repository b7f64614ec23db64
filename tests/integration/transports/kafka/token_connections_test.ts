import { assert, assertEquals, assertRejects } from "@std/assert";
import Cluster from "kafkajs/src/cluster/index.js";
import { KafkaJSNonRetriableError } from "kafkajs/src/errors.js";
import Connection from "kafkajs/src/network/connection.js";
import { ResultProcessorError } from "../../../../src/core/result_processor.ts";
import { UnclosedConnectionsError } from "../../../../src/transports/http1/unclosed_connections.ts";
import { BrokerRefusedError } from "../../../../src/transports/kafka/client/login_throttle.ts";
import { registerClient } from "../../../../src/transports/kafka/kafkajs/clients.ts";
import { patchKafkajs } from "../../../../src/transports/kafka/kafkajs/mod.ts";
import {
  KafkaResultProcessor,
} from "../../../../src/transports/kafka/producer/result_processor.ts";
import { freshTopic } from "../../../support/kafka/broker.ts";
import { listenerConfig, resultProcessorConfig } from "../../../support/kafka/config.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const UNCLOSED = new UnclosedConnectionsError();

const TOKEN = {
  tokenEndpoint: "https://login.example/token",
  grant: "clientCredentials",
  clientId: "eventor",
  clientAuthentication: { method: "basic", clientSecret: "secret" },
  parameters: [],
} as const;

patchKafkajs();

Deno.test("a broker is not connected to while too many connections to the token endpoint are open, which takes a new start", async () => {
  const refused: string[] = [];
  const { consumerConfig } = listenerConfig({ topic: "T", group: "G" });
  const sasl = { mechanism: "oauthbearer", token: TOKEN, extensions: {} } as const;
  const config = { ...consumerConfig, sasl };
  const socketFactory = () => {
    throw new TypeError("nothing is to be connected to");
  };
  registerClient(socketFactory, {
    config,
    accepted: () => {},
    refused: (_, reason) => refused.push(reason),
    prepare: () => Promise.reject(UNCLOSED),
  });
  const connection = { host: "kafka", port: 9092, socketFactory, isConnected: () => false };
  const error = await assertRejects(
    () => Connection.prototype.connect.call(connection),
    BrokerRefusedError,
  );
  assert(error.needsRestart);
  assertEquals(refused, [
    `cannot log in to broker kafka:9092 without a token: ${UNCLOSED.message}`,
  ]);
});

Deno.test("a result processor ends its pipeline, when only a new start of it lets it reach the brokers", async () => {
  const topic = await freshTopic("unclosed");
  const log = new RecordedLog();
  await using processor = await KafkaResultProcessor.open(resultProcessorConfig({ topic }), {
    pipeline: "orders",
    log: log.log,
    limits: DEFAULT_LIMITS,
  });
  const { findBroker } = Cluster.prototype;
  Cluster.prototype.findBroker = () => {
    const refusal = new BrokerRefusedError(UNCLOSED.message, { needsRestart: true });
    return Promise.reject(new KafkaJSNonRetriableError(refusal, { cause: refusal }));
  };
  try {
    const record = { key: null, value: null, headers: [] };
    const error = await assertRejects(
      () => processor.process(record, new AbortController().signal),
      Error,
      UNCLOSED.message,
    );
    assert(!(error instanceof ResultProcessorError));
  } finally {
    Cluster.prototype.findBroker = findBroker;
  }
});
