import { assertEquals } from "@std/assert";
import { configOf, pipelineText } from "./loading.ts";

const VARIABLES = { A: "from-outside" };

function secretsOf(sections: Record<string, unknown>): readonly string[] {
  return configOf(pipelineText(sections), { variables: VARIABLES }).secrets;
}

function kafka(keys: Record<string, unknown>): Record<string, unknown> {
  return {
    eventListener: {
      type: "kafka",
      topic: "${env:A}",
      consumerConfig: { "bootstrap.servers": "${env:A}", "group.id": "${env:A}", ...keys },
    },
  };
}

Deno.test("a configuration knows what stands at its secret places, wherever that came from", () => {
  const keys = {
    "security.protocol": "sasl_plaintext",
    "sasl.mechanism": "PLAIN",
    "sasl.username": "${env:A}-user",
    "sasl.password": "literal-${env:A}",
  };
  assertEquals(secretsOf(kafka(keys)), ["from-outside", "literal-", "from-outside"]);
});

Deno.test("a configuration knows nothing secret, when only names and hosts came from outside", () => {
  assertEquals(secretsOf({ ...kafka({}), name: "${env:A}" }), []);
});

Deno.test("a configuration knows as secret of a URL what is more than scheme, host and port", () => {
  for (
    const [url, expected] of [
      ["http://a/${env:A}", ["from-outside"]],
      ["http://a/b", []],
      ["http://a/${env:A}/${event.key}?c=${env:A}", ["from-outside", "from-outside"]],
    ] as const
  ) {
    assertEquals(secretsOf({ eventHandler: { type: "http", url } }), expected);
  }
  const eventHandler = { type: "http", url: "${env:URL}" };
  const variables = { URL: "https://a:81/b/c?d" };
  assertEquals(configOf(pipelineText({ eventHandler }), { variables }).secrets, ["b/c?d"]);
});

Deno.test("a configuration knows as secret of a header what came from outside", () => {
  const headers = {
    Accept: "text/plain",
    Authorization: "Bearer ${env:A}",
    X: "${event.key}${env:A}",
  };
  const eventHandler = { type: "http", url: "http://a/", headers };
  assertEquals(secretsOf({ eventHandler }), ["from-outside", "from-outside"]);
});
