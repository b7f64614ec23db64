import { assertEquals } from "@std/assert";
import { hostAndPort, isHost, isOtherAddress, splitHost } from "../../src/core/host.ts";

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

Deno.test("hostAndPort() puts IPv6 addresses in brackets, and splitHost() takes them out", () => {
  for (const [host, text] of [["::1", "[::1]:9092"], ["kafka", "kafka:9092"]] as const) {
    assertEquals(hostAndPort(host, 9092), text);
    assertEquals(splitHost(text), { host, port: 9092 });
  }
  assertEquals(hostAndPort("[::1]", 9092), "[::1]:9092");
});

Deno.test("isOtherAddress() finds what is taken for an address that it does not show", () => {
  for (const text of ["0", "9092", "127.1", "0x7f.0.0.1", "010.0.0.1", "127.0.0.1."]) {
    assertEquals(isOtherAddress(text), true, text);
  }
  // The last one is too large for an address, as a container's name may be.
  for (const text of ["0.0.0.0", "127.0.0.1", "[::1]", "a", "a.b", "256.1.1.1", "482910374655"]) {
    assertEquals(isOtherAddress(text), false, text);
  }
});
