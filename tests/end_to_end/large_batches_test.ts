import { assert, assertEquals } from "@std/assert";
import {
  compressedZeros,
  produceCompressed,
  zstdZeros,
} from "../support/kafka/compressed_batches.ts";
import { startEndpoint } from "../support/http/endpoint.ts";
import { configFile, EventorProcess, runEventor } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { committedOffsets, freshTopic, produce, readTopic } from "../support/kafka/broker.ts";
import { kafkaPipeline } from "../support/executable/pipeline_yaml.ts";

const MEBIBYTE = 1024 * 1024;
const MAX_MEMORY = 256 * MEBIBYTE;

/** Nearly as many as `maxEventBytes` allows by default. */
const LARGE_EVENT_BYTES = 8_200_000;

/** How many of them there is room for at once. */
const ROOM_FOR_LARGE = 4;

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
  await allCommitted(eventor, { topic, partitions, offset: 3 });

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
  assert(/does not hold the value of its event/.test(redrive.stderr), redrive.stderr);
});

Deno.test("eventor stays below 256 MB with batches of many records of 1 MB in many partitions", async () => {
  const partitions = 12;
  const perBatch = 60;
  const topic = await freshTopic("many-large", { partitions });
  const compressed = await compressedZeros("zstd", 1_000_000, perBatch);
  for (let partition = 0; partition < partitions; partition++) {
    const batch = { codec: "zstd", compressed, count: perBatch, partition };
    await produceCompressed(topic, batch);
    await produceCompressed(topic, batch);
  }

  await using endpoint = startEndpoint(() => new Response(), { keepsBodies: false });
  await using eventor = new EventorProcess(
    kafkaPipeline({ topic, url: endpoint.url, logLevel: "INFO" }),
  );
  await allCommitted(eventor, { topic, partitions, offset: 2 * perBatch });

  const peak = await peakMemory(eventor.pid);
  assert(peak < MAX_MEMORY, `it took ${Math.round(peak / MEBIBYTE)} MiB`);
});

Deno.test("eventor stays below 256 MB while a large event blocks in each of many partitions", async () => {
  const partitions = 12;
  const topic = await freshTopic("many-blocked", { partitions });
  const compressed = await compressedZeros("gzip", LARGE_EVENT_BYTES, 6);
  for (let partition = 0; partition < partitions; partition++) {
    await produceCompressed(topic, { codec: "gzip", compressed, count: 6, partition });
  }

  const refused = new Set<string | null>();
  let isRepaired = false;
  await using endpoint = startEndpoint(({ headers }) => {
    if (isRepaired) return new Response();
    refused.add(headers.get("partition"));
    return new Response(null, { status: 422 });
  }, { keepsBodies: false });
  await using eventor = new EventorProcess(kafkaPipeline({
    topic,
    url: endpoint.url,
    headers: { partition: "${event.partition}" },
    logLevel: "INFO",
  }));
  await eventually(() => refused.size >= ROOM_FOR_LARGE, {
    deadlineMs: 60_000,
    what: () => `only ${refused.size} partitions block`,
  });
  isRepaired = true;
  await allCommitted(eventor, { topic, partitions, offset: 6 });

  const peak = await peakMemory(eventor.pid);
  assert(peak < MAX_MEMORY, `it took ${Math.round(peak / MEBIBYTE)} MiB`);
});

Deno.test("eventor handles the large events of a partition while one of another partition blocks", async () => {
  const topic = await freshTopic("large-blocked", { partitions: 2 });
  const compressed = await compressedZeros("gzip", LARGE_EVENT_BYTES, 6);
  for (const partition of [0, 1]) {
    await produceCompressed(topic, { codec: "gzip", compressed, count: 6, partition });
  }

  await using endpoint = startEndpoint(({ headers }) => {
    const isRefused = headers.get("partition") === "0";
    return new Response(null, { status: isRefused ? 422 : 200 });
  }, { keepsBodies: false });
  await using eventor = new EventorProcess(
    kafkaPipeline({
      topic,
      url: endpoint.url,
      headers: { partition: "${event.partition}" },
      logLevel: "INFO",
    }),
  );
  await eventually(async () => (await committedOffsets(topic, topic)).get(1) === 6, {
    deadlineMs: 60_000,
    what: () => `partition 1 is committed; the log has:\n${eventor.lines.join("\n")}`,
  });
  assertEquals((await committedOffsets(topic, topic)).get(0) ?? 0, 0);
});

/** Resolves when every partition is committed up to an offset. */
async function allCommitted(
  eventor: EventorProcess,
  { topic, partitions, offset }: { topic: string; partitions: number; offset: number },
): Promise<void> {
  await eventually(async () => {
    const offsets = [...(await committedOffsets(topic, topic)).values()];
    return offsets.filter((committed) => committed === offset).length === partitions;
  }, {
    deadlineMs: 120_000,
    what: () => `all is committed; the log has:\n${eventor.lines.join("\n")}`,
  });
}

/** The most resident memory that a process has had, in bytes. */
async function peakMemory(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
