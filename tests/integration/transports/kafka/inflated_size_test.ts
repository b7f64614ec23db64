import { assert, assertEquals } from "@std/assert";
import { compressedZeros, produceCompressed } from "../../../support/kafka/compressed_batches.ts";
import { freshName, freshTopic, produce } from "../../../support/kafka/broker.ts";
import { KafkaListening } from "../../../support/kafka/listening.ts";

const MEBIBYTE = 1024 * 1024;

for (const [codec, size] of [["gzip", 300], ["snappy", 20], ["lz4", 60], ["zstd", 300]] as const) {
  Deno.test(`KafkaListener leaves out the value of a record of ${size} MiB, compressed by ${codec}, and goes on`, async () => {
    const topic = await freshTopic("inflated");
    const compressed = await compressedZeros(codec, size * MEBIBYTE);
    await produceCompressed(topic, { codec, compressed, partition: 0 });
    await produce(topic, [{ value: "behind" }]);

    await using listening = await KafkaListening.open({ topic, group: freshName("inflated") });
    await listening.received(2);

    assertEquals(listening.values, ["", "behind"]);
    const [large, behind] = listening.events;
    assert((large?.oversize?.bytes ?? 0) > size * MEBIBYTE);
    assertEquals(behind?.oversize, undefined);
  });
}
