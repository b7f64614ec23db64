import { assertEquals, assertThrows } from "@std/assert";
import {
  replaceMembers,
  replacement,
} from "../../../../src/transports/kafka/kafkajs/replacement.ts";

class Queue {
  push(): string {
    return "kafkajs";
  }
}

Deno.test("a replacement calls the member of kafkajs", () => {
  const { push } = Queue.prototype;
  replaceMembers([replacement("Queue", Queue.prototype, { push: () => `${push()} and eventor` })]);
  assertEquals(new Queue().push(), "kafkajs and eventor");
});

Deno.test("nothing is replaced when kafkajs lacks a member", () => {
  const target = { push: () => "kafkajs" };
  const error = assertThrows(() =>
    replaceMembers([
      replacement("Queue", target, { push: () => "eventor" }),
      replacement("Queue", Queue.prototype, { pull() {} }),
    ])
  );
  assertEquals(
    (error as Error).message,
    "this version of kafkajs has no Queue.pull, which eventor replaces: use 2.2.4",
  );
  assertEquals(target.push(), "kafkajs");
});

Deno.test("a member of another type counts as missing", () => {
  const wrong = replacement("Queue", Queue.prototype, { push: {} });
  assertThrows(() => replaceMembers([wrong]), Error, "no Queue.push");
});
