import { assertEquals } from "@std/assert";
import { KafkaJSConnectionError, KafkaJSNonRetriableError } from "kafkajs/src/errors.js";
import { createErrorFromCode } from "kafkajs/src/protocol/error.js";
import { remedyFor } from "../../../../src/transports/kafka/producer/store_failure.ts";

Deno.test("remedyFor says what helps against a failure", async (t) => {
  const table: [string, unknown, ReturnType<typeof remedyFor>][] = [
    ["a leader has changed", createErrorFromCode(6), "repeat"],
    ["replicas are missing", createErrorFromCode(19), "repeat"],
    ["a connection is gone", new KafkaJSConnectionError("gone"), "repeat"],
    ["the producer is unknown", createErrorFromCode(59), "repeat"],
    ["the batch is too large", createErrorFromCode(10), "shrink"],
    ["the batch is larger than a segment", createErrorFromCode(18), "shrink"],
    ["a record is invalid", createErrorFromCode(87), "split"],
    ["a timestamp is invalid", createErrorFromCode(32), "split"],
    ["a record is damaged", createErrorFromCode(2), "split"],
    ["the topic is denied", createErrorFromCode(29), "none"],
    ["a code is unknown", createErrorFromCode(9999), "none"],
    ["kafkajs gives up", new KafkaJSNonRetriableError("no"), "none"],
    ["something else is wrong", new TypeError("no"), "none"],
    ["nothing is known", undefined, "none"],
  ];
  for (const [name, error, expected] of table) {
    await t.step(name, () => assertEquals(remedyFor(error), expected));
  }
});
