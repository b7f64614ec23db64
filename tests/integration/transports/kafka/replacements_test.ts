import { assertEquals, assertThrows } from "@std/assert";
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import { patchKafkajs, REPLACEMENTS } from "../../../../src/transports/kafka/kafkajs/mod.ts";

Deno.test("each member of kafkajs is replaced in one place", () => {
  const targets = REPLACEMENTS.map(({ target }) => target);
  assertEquals(new Set(targets).size, targets.length);
});

Deno.test("a kafkajs without a replaced method is not used", () => {
  const { maybeThrottle } = RequestQueue.prototype;
  delete RequestQueue.prototype.maybeThrottle;
  try {
    assertThrows(patchKafkajs, Error, "no RequestQueue.maybeThrottle");
  } finally {
    RequestQueue.prototype.maybeThrottle = maybeThrottle;
  }
  patchKafkajs();
});
