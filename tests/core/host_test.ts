import { assertEquals } from "@std/assert";
import { isHost } from "../../src/core/host.ts";

const ONE_HOST = ["localhost", "a", "kafka-0.kafka.svc.", "my_broker", "127.0.0.1", "[::1]"];
const NOT_ONE_HOST = [
  "",
  "*",
  "*.example.com",
  "0.0.0.0/0",
  "10.0.0.0/8",
  "::1",
  "[::1",
  "a b",
  "a..b",
  "-a",
  "a,b",
  "a:9092",
  "UPPER",
  "a/b",
  "a@b",
];

for (const text of ONE_HOST) {
  Deno.test(`isHost() takes '${text}'`, () => assertEquals(isHost(text), true));
}

for (const text of NOT_ONE_HOST) {
  Deno.test(`isHost() refuses '${text}'`, () => assertEquals(isHost(text), false));
}
