import { assertEquals, assertThrows } from "@std/assert";
import { type PipelineConfig, pipelineSchema } from "../../src/config/schema.ts";
import { rolesOf } from "../../src/config/roles.ts";
import {
  discoveryPermissions,
  pipelinePermissions,
  redrivePermissions,
  tryPermissions,
  workerPermissions,
} from "../../src/process/sandbox.ts";
import { KAFKAJS_ENVIRONMENT } from "../../src/transports/kafka/mod.ts";

const KAFKA_TO_HTTP = pipeline({
  eventListener: {
    type: "kafka",
    topic: "ORDERS",
    consumerConfig: { "bootstrap.servers": "broker-b:9093,broker-a:9092", "group.id": "orders" },
  },
  eventHandler: { type: "http", url: "https://orders.example/take?token=SECRET" },
  eventResultProcessor: [
    kafkaResultProcessor({ topic: "RESULTS", when: "onSuccess", servers: "broker-a:9092" }),
    kafkaResultProcessor({ topic: "ERRORS", when: "onError", servers: "broker-c:9092" }),
  ],
});

const STDIO_TO_HTTP = pipeline({
  eventListener: { type: "stdin" },
  eventHandler: { type: "http", url: "http://localhost:8080/" },
  eventResultProcessor: { type: "stdout", when: "onSuccess" },
});

Deno.test("rolesOf() has the parts in the order in which an event meets them, with their paths", () => {
  assertEquals(rolesOf(KAFKA_TO_HTTP).map(({ path, config }) => [path, config.type]), [
    ["eventListener", "kafka"],
    ["eventHandler", "http"],
    ["eventResultProcessor[0]", "kafka"],
    ["eventResultProcessor[1]", "kafka"],
  ]);
});

Deno.test("rolesOf() does not know a type that no transport has", () => {
  for (const type of ["nats", "constructor", "__proto__"]) {
    const eventHandler = { ...STDIO_TO_HTTP.eventHandler, type };
    assertThrows(() => rolesOf({ ...STDIO_TO_HTTP, eventHandler }), RangeError, type);
  }
});

Deno.test("pipelinePermissions() allows what the configuration names, each once", () => {
  assertEquals(pipelinePermissions(KAFKA_TO_HTTP), {
    net: ["broker-a:9092", "broker-b:9093", "broker-c:9092", "orders.example:443"],
    env: KAFKAJS_ENVIRONMENT,
  });
});

Deno.test("pipelinePermissions() allows the endpoint's port and no environment, when no broker is named", () => {
  assertEquals(pipelinePermissions(STDIO_TO_HTTP), { net: ["localhost:8080"], env: [] });
});

Deno.test("pipelinePermissions() allows what discovery found as well", () => {
  const { net } = pipelinePermissions(STDIO_TO_HTTP, [
    { hosts: ["broker-d:9092", "localhost:8080"], destinations: [] },
  ]);
  assertEquals(net, ["broker-d:9092", "localhost:8080"]);
});

const ENDPOINTS: { url: string; host: string }[] = [
  { url: "http://orders.example/", host: "orders.example:80" },
  { url: "https://orders.example/", host: "orders.example:443" },
  { url: "https://orders.example:8443/", host: "orders.example:8443" },
  { url: "https://ORDERS.example:443/", host: "orders.example:443" },
  { url: "http://127.0.0.1:8080/", host: "127.0.0.1:8080" },
  { url: "http://[::1]:8080/", host: "[::1]:8080" },
];

for (const { url, host } of ENDPOINTS) {
  Deno.test(`pipelinePermissions() allows ${host}, when the endpoint is ${url}`, () => {
    const config = pipeline({
      eventListener: { type: "stdin" },
      eventHandler: { type: "http", url },
    });
    assertEquals(pipelinePermissions(config).net, [host]);
  });
}

Deno.test("discoveryPermissions() allows brokers and not the endpoint", () => {
  assertEquals(discoveryPermissions(KAFKA_TO_HTTP), {
    net: ["broker-a:9092", "broker-b:9093", "broker-c:9092"],
    env: KAFKAJS_ENVIRONMENT,
  });
  assertEquals(discoveryPermissions(STDIO_TO_HTTP), { net: [], env: [] });
});

Deno.test("redrivePermissions() allows the listener's and the dead letters' brokers, and what discovery found", () => {
  const withDeadLetters = pipeline({
    eventListener: {
      type: "kafka",
      topic: "ORDERS",
      consumerConfig: { "bootstrap.servers": "broker-a:9092", "group.id": "orders" },
    },
    eventHandler: { type: "http", url: "https://orders.example/" },
    eventResultProcessor: kafkaResultProcessor({
      topic: "RESULTS",
      when: "onSuccess",
      servers: "broker-c:9092",
    }),
    deadLetter: {
      type: "kafka",
      topic: "DEAD",
      producerConfig: { "bootstrap.servers": "broker-d:9092" },
    },
  });
  assertEquals(
    redrivePermissions(withDeadLetters, [{ hosts: ["broker-e:9092"], destinations: [] }]),
    {
      net: ["broker-a:9092", "broker-d:9092", "broker-e:9092"],
      env: KAFKAJS_ENVIRONMENT,
    },
  );
});

Deno.test("tryPermissions() allows the endpoint and no broker", () => {
  assertEquals(tryPermissions(KAFKA_TO_HTTP), { net: ["orders.example:443"], env: [] });
});

const DENIED = { read: false, write: false, run: false, ffi: false, sys: false, import: false };

Deno.test("workerPermissions() denies everything that is not on the lists", () => {
  assertEquals(workerPermissions({ net: ["a:1"], env: ["B"] }), {
    ...DENIED,
    net: ["a:1"],
    env: ["B"],
  });
});

Deno.test("workerPermissions() denies a whole kind, when its list is empty", () => {
  assertEquals(workerPermissions({ net: [], env: [] }), { ...DENIED, net: false, env: false });
});

Deno.test("workerPermissions() allows both loopback addresses for localhost, at its port", () => {
  const { net } = workerPermissions({ net: ["localhost:80", "localhost.example:80"], env: [] });
  assertEquals(net, ["127.0.0.1:80", "[::1]:80", "localhost.example:80", "localhost:80"]);
});

function pipeline(sections: Record<string, unknown>): PipelineConfig {
  return pipelineSchema.parse({ name: "orders", ...sections });
}

function kafkaResultProcessor(
  { topic, when, servers }: { topic: string; when: string; servers: string },
): Record<string, unknown> {
  return { type: "kafka", topic, when, producerConfig: { "bootstrap.servers": servers } };
}
