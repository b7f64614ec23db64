import { assert, assertEquals } from "@std/assert";
import { compressedZeros, produceCompressed, zstdZeros } from "../support/compressed_batches.ts";
import { startEndpoint } from "../support/endpoint.ts";
import { configFile, EventorProcess, runEventor } from "../support/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { committedOffsets, freshTopic, produce, readTopic } from "../support/kafka.ts";
import { kafkaPipeline } from "../support/pipeline_yaml.ts";

const MEBIBYTE = 1024 * 1024;
const MAX_MEMORY = 256 * MEBIBYTE;

/** What a broker takes by default holds no more of snappy. */
const BOMBS = [
  { codec: "gzip", size: 60 * MEBIBYTE },
  { codec: "snappy", size: 20 * MEBIBYTE },
  { codec: "lz4", size: 60 * MEBIBYTE },
  { codec: "zstd", size: 60 * MEBIBYTE },
];

Deno.test("eventor stays below 256 MB and goes on, whatever its batches come to when they are decompressed", async () => {
  const partitions = 2 * BOMBS.length + 2;
  const topic = await freshTopic("large-batches", { partitions });
  const deadLetters = await freshTopic("large-batches-dead");
  let partition = 0;
  const bombs = [];
  for (const { codec, size } of [...BOMBS, ...BOMBS]) {
    bombs.push({ codec, compressed: await compressedZeros(codec, size), partition: partition++ });
  }
  for (const gibibytes of [1, 1.5]) {
    const compressed = zstdZeros(gibibytes * 1024 * MEBIBYTE);
    bombs.push({ codec: "zstd", compressed, partition: partition++ });
  }
  for (const bomb of bombs) {
    await produceCompressed(topic, bomb);
    await produceCompressed(topic, bomb);
    await produce(topic, [{ value: `behind ${bomb.codec}`, partition: bomb.partition }]);
  }

  await using endpoint = startEndpoint();
  const config = kafkaPipeline({
    topic,
    deadLetters,
    url: endpoint.url,
    logLevel: "INFO",
    handler: { onFailure: "deadLetter" },
  });
  await using eventor = new EventorProcess(config);
  await eventually(async () => {
    const offsets = await committedOffsets(topic, topic);
    return [...offsets.values()].filter((offset) => offset === 3).length === partitions;
  }, {
    deadlineMs: 120_000,
    what: () => `all is committed; the log has:\n${eventor.lines.join("\n")}`,
  });

  const peak = await peakMemory(eventor.pid);
  assert(peak < MAX_MEMORY, `it took ${Math.round(peak / MEBIBYTE)} MiB`);
  assertEquals(endpoint.calls.length, partitions);
  const letters = await readTopic(deadLetters);
  assertEquals(letters.length, 2 * partitions);
  for (const { value, headers } of letters) {
    assertEquals(value?.length, 0);
    assert(/eventor-dead-letter-reason=eventTooLarge,/.test(headers), headers);
    assert(/eventor-dead-letter-value-left-out=\d{8,10},/.test(headers), headers);
  }
  const withKey = letters.filter(({ key }) => key !== null);
  assertEquals(withKey.length, 4 * BOMBS.length);
  for (const { headers } of withKey) assert(headers.startsWith("name=text,"), headers);
  await eventor.line(
    /dead letter of large-batches.*: the event has \d+ bytes, more than maxEventBytes \(8388608\)/,
  );

  using file = configFile(config);
  const redrive = await runEventor(["redrive", "-f", file.path, "--pipeline", "orders"]);
  assert(redrive.code !== 0);
  assert(/does not hold its event: its value was left out/.test(redrive.stderr), redrive.stderr);
});

/** The most resident memory that a process has had, in bytes. */
async function peakMemory(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
