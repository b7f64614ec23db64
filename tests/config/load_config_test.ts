import { assertEquals } from "@std/assert";
import type { Config } from "../../src/config/schema.ts";
import {
  configOf,
  configOfAll,
  consumerText,
  ORIGINAL_SAMPLE,
  pipelineText,
  problemsOfAll,
  producerText,
} from "./loading.ts";

const CLIENT = {
  clientId: "eventor",
  tls: null,
  sasl: null,
  connectionTimeoutMs: 5000,
  requestTimeoutMs: 10_000,
  metadataMaxAgeMs: 60_000,
  maxResponseBytes: 100_000_000,
  reconnectBackoffMs: 500,
  reconnectBackoffMaxMs: 30_000,
  maxInFlightRequests: 1_000_000,
  allowAutoTopicCreation: false,
};

Deno.test("loadConfig() takes the original's sample as it is", () => {
  assertEquals(configOf(ORIGINAL_SAMPLE), {
    logFormat: "text",
    shutdownTimeoutMs: 25_000,
    pipelines: [{
      name: "MY_FIRST_TOPIC-to-MY_RESPONSE_TOPIC",
      logLevel: "DEBUG",
      ordering: "key",
      concurrency: 32,
      maxLookahead: 1000,
      maxBufferedBytes: 67_108_864,
      eventListener: {
        type: "kafka",
        topic: "MY_FIRST_TOPIC",
        maxEventBytes: 8_388_608,
        consumerConfig: {
          ...CLIENT,
          bootstrapServers: ["localhost:9092", "127.0.0.1:9092"],
          groupId: "myVeryFirstGroup",
          autoOffsetReset: "earliest",
          sessionTimeoutMs: 30_000,
          heartbeatIntervalMs: 3000,
          rebalanceTimeoutMs: 60_000,
          minBytes: 1,
          maxBytes: 10_485_760,
          maxBytesPerPartition: 262_144,
          maxWaitTimeMs: 500,
          readUncommitted: false,
          assignmentStrategies: ["range", "roundrobin"],
        },
      },
      eventHandler: {
        type: "http",
        method: "POST",
        url: "http://localhost:8080/payload",
        headers: [["Content-Type", "application/text"], ["Authorization", "Basic ..."]],
        timeoutMs: 30_000,
        maxResponseBytes: 921_600,
        forwardHeaders: [],
        redirect: "follow",
        retry: null,
        maxRetryAfterMs: 300_000,
        onTombstone: "send",
      },
      eventResultProcessor: [{
        type: "kafka",
        topic: "MY_RESPONSE_TOPIC",
        when: ["onSuccess"],
        producerConfig: {
          ...CLIENT,
          bootstrapServers: ["localhost:9092"],
          maxInFlightRequests: 1,
          acks: -1,
          requestTimeoutForAcksMs: 5000,
          retries: 3,
          maxRecordBytes: 1_000_000,
          lingerMs: 0,
          maxBatchBytes: 1_000_000,
          maxBatchRecords: 10_000,
          compression: "none",
          idempotent: false,
        },
      }],
    }],
    warnings: [],
    secrets: [],
  });
});

Deno.test("loadConfig() gives plain data", () => {
  const config = configOf(ORIGINAL_SAMPLE);
  assertEquals(structuredClone(config), config);
});

Deno.test("loadConfig() takes a list or a mapping", () => {
  const { logFormat, shutdownTimeoutMs, pipelines } = configOf(
    `{"logFormat": "json", "shutdownTimeout": "5s", "pipelines": ${pipelineText()}}`,
  );
  assertEquals([logFormat, shutdownTimeoutMs], ["json", 5000]);
  assertEquals(pipelines, configOf(pipelineText()).pipelines);
});

Deno.test("loadConfig() reads what a pipeline can say", async (t) => {
  const table: [string, Record<string, unknown>, (config: Config) => unknown, unknown][] = [
    ["no result processor", {}, (c) => c.pipelines[0]?.eventResultProcessor, []],
    ["a level as a word", { logLevel: "warn" }, (c) => c.pipelines[0]?.logLevel, "WARN"],
    ["a level as a number", { logLevel: 3 }, (c) => c.pipelines[0]?.logLevel, "ERROR"],
    ["a level as digits", { logLevel: "2" }, (c) => c.pipelines[0]?.logLevel, "WARN"],
    ["INFO as the default level", {}, (c) => c.pipelines[0]?.logLevel, "INFO"],
    [
      "several result processors, each once for an outcome",
      {
        eventResultProcessor: [
          { type: "stdout", when: "onError" },
          { type: "stdout", when: ["onSuccess", "onError", "onSuccess"], format: "json" },
        ],
      },
      (c) => c.pipelines[0]?.eventResultProcessor,
      [
        { type: "stdout", when: ["onError"], format: "text" },
        { type: "stdout", when: ["onSuccess", "onError"], format: "json" },
      ],
    ],
  ];
  for (const [name, sections, read, expected] of table) {
    await t.step(name, () => assertEquals(read(configOf(pipelineText(sections))), expected));
  }
});

Deno.test("loadConfig() puts sources together", () => {
  const { logFormat, pipelines } = configOfAll([
    { name: "a.yaml", text: `{"logFormat": "json", "pipelines": ${pipelineText()}}` },
    { name: "b.yaml", text: consumerText({}).replace('"orders"', '"invoices"') },
  ]);
  assertEquals(logFormat, "json");
  assertEquals(pipelines.map(({ name }) => name), ["orders", "invoices"]);
});

Deno.test("loadConfig() finds contradictions between sources", async (t) => {
  const table: [string, string[], string[]][] = [
    ["no source", [], ["configuration: there are no pipelines"]],
    ["no pipeline in any", ["[]", "pipelines: []"], ["0.yaml, 1.yaml: there are no pipelines"]],
    ["one name twice", [consumerText({}), producerText({})], [
      "1.yaml: pipeline 'orders': name: another pipeline of '0.yaml' has the same name",
    ]],
    ["two that read standard input", [
      pipelineText(),
      pipelineText({ name: "invoices" }),
    ], [
      "1.yaml: pipeline 'invoices': eventListener: only one pipeline can use standard input, " +
      "and 'orders' of '0.yaml' already does",
    ]],
    ["two values of one key", [
      `{"shutdownTimeout": "1m", "pipelines": ${pipelineText()}}`,
      `{"shutdownTimeout": "60s", "pipelines": []}`,
      `{"shutdownTimeout": "2m", "pipelines": []}`,
    ], ["2.yaml: shutdownTimeout: differs from the value in '0.yaml'"]],
  ];
  for (const [name, texts, expected] of table) {
    await t.step(name, () => {
      const sources = texts.map((text, index) => ({ name: `${index}.yaml`, text }));
      assertEquals(problemsOfAll(sources), expected);
    });
  }
});

Deno.test("loadConfig() warns of what is accepted without effect", () => {
  assertEquals(configOf(consumerText({ "log_level": 7 })).warnings, [{
    pipeline: "orders",
    message: "eventListener: log_level has no effect in eventor: the pipeline's logLevel decides",
  }]);
});
