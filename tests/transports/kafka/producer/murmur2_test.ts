import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import murmur2OfKafkajs from "kafkajs/src/producer/partitioners/default/murmur2.js";
import { partitionOfKey } from "../../../../src/transports/kafka/producer/murmur2.ts";
import { bytes } from "../../../support/events.ts";
import { seededRandom } from "../../../support/seeded_random.ts";

Deno.test("partitionOfKey chooses as Kafka's own clients do", () => {
  // Kafka's UtilsTest.testMurmur2
  const hashes: [key: string, hash: number][] = [
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
  ];
  for (const [key, hash] of hashes) {
    assertEquals(partitionOfKey(bytes(key), 2 ** 31), hash & 0x7fffffff, key);
    assertEquals(partitionOfKey(bytes(key), 12), (hash & 0x7fffffff) % 12, key);
  }
});

Deno.test("partitionOfKey chooses as kafkajs does, whatever the key", () => {
  const random = seededRandom(3);
  for (let length = 0; length < 200; length++) {
    const key = Uint8Array.from({ length }, () => Math.floor(random() * 256));
    assertEquals(
      partitionOfKey(key, 2 ** 31),
      murmur2OfKafkajs(Buffer.from(key)) & 0x7fffffff,
      `${key}`,
    );
  }
});
