import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { startEndpoint } from "../support/http/endpoint.ts";
import { configFile, EventorProcess, runEventor } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { freshTopic, produce, produceByKcat, readTopic } from "../support/kafka/broker.ts";
import { kafkaPipeline } from "../support/executable/pipeline_yaml.ts";

/** What a broker takes by default in a batch, which is 72 bytes more than the value of the one record in it. */
const LARGEST_VALUE = 1_048_588 - 72;

/** Bytes that no codec makes fewer. */
function randomBytes(length: number) {
  const bytes = new Uint8Array(length);
  for (let start = 0; start < length; start += 65_536) {
    crypto.getRandomValues(bytes.subarray(start, Math.min(start + 65_536, length)));
  }
  return bytes;
}

function namesOf({ headers }: { headers: string }): string[] {
  return headers.split(",").map((header) => header.split("=", 1)[0] ?? "");
}

/** A pipeline whose events all become dead letters. */
async function failing({ limit }: { limit?: string } = {}) {
  const topic = await freshTopic("size");
  const config = limit === undefined ? {} : { "max.message.bytes": limit };
  const deadLetters = await freshTopic("size-dead", { config });
  const endpoint = startEndpoint(() => new Response("no", { status: 422 }));
  const pipeline = kafkaPipeline({ topic, deadLetters, url: endpoint.url, logLevel: "INFO" });
  return { topic, deadLetters, endpoint, pipeline };
}

/** Waits for dead letters, with the log in the message when they do not come. */
async function lettersOf(deadLetters: string, count: number, { lines }: EventorProcess) {
  await eventually(async () => (await readTopic(deadLetters)).length === count, {
    deadlineMs: 30_000,
    what: () => `${count} dead letters; the log ends with\n${lines.slice(-15).join("\n")}`,
  });
  return await readTopic(deadLetters);
}

async function redrive(pipeline: string) {
  using file = configFile(pipeline);
  return await runEventor(["redrive", "-f", file.path, "--pipeline", "orders"]);
}

Deno.test("eventor stores a dead letter of every event that its topic took, with default settings", async () => {
  const { topic, deadLetters, endpoint, pipeline } = await failing();
  await using _ = endpoint;
  const nearly = randomBytes(1_040_000);
  const largest = randomBytes(LARGEST_VALUE);
  await produce(topic, [{ value: nearly }, { value: largest }]);
  await assertRejects(() => produce(topic, [{ value: randomBytes(LARGEST_VALUE + 1) }]));
  const text = "x".repeat(5_000_000);
  await produceByKcat(topic, `${text}\n`, ["-z", "gzip", "-X", "message.max.bytes=10000000"]);
  {
    await using eventor = new EventorProcess(pipeline);
    const [ofNearly, ofLargest, ofText] = await lettersOf(deadLetters, 3, eventor);
    assertEquals(ofNearly?.value, nearly);
    assert(namesOf(ofNearly!).includes("eventor-dead-letter-message"));
    assertEquals(ofLargest?.value, largest);
    assertEquals(ofLargest?.headers, "");
    assertEquals(ofText?.value?.length, text.length);
    assert(namesOf(ofText!).includes("eventor-dead-letter-message"));
    await eventor.line(/ERROR - the dead letter of .*@1 is stored without .*-message, .*-pipeline/);
    eventor.signal("SIGTERM");
    assertEquals(await eventor.exit(), 0);
  }
  const { code, stdout } = await redrive(pipeline);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "put back 2 dead letters\n");
  assertStringIncludes(stdout, "passed over: 1 that are no dead letters\n");
  const stored = await readTopic(topic);
  assertEquals(stored.slice(3).map(({ value }) => value?.length), [nearly.length, text.length]);
});

Deno.test("eventor leaves headers out of a dead letter one by one, until its topic takes it", async () => {
  const { topic, deadLetters, endpoint, pipeline } = await failing();
  await using _ = endpoint;
  // With room for the names of some headers.
  await produce(topic, [{ value: randomBytes(LARGEST_VALUE - 330), headers: [["own", null]] }]);
  await using eventor = new EventorProcess(pipeline);
  const [letter] = await lettersOf(deadLetters, 1, eventor);
  const names = namesOf(letter!);
  for (const name of ["own", "eventor-dead-letter-pipeline", "eventor-idempotency-key"]) {
    assert(names.includes(name), `${name} is not among ${names}`);
  }
  assert(!names.includes("eventor-dead-letter-message"));
  await eventor.line(
    /WARN - the dead letter of .*@0 is stored without eventor-dead-letter-message/,
  );
});

Deno.test("eventor redrive puts the largest event back that its topic took, alone when there is no room for more", async () => {
  const { topic, deadLetters, endpoint, pipeline } = await failing({ limit: "2000000" });
  await using _ = endpoint;
  const largest = randomBytes(LARGEST_VALUE);
  await produce(topic, [{ value: largest }]);
  {
    await using eventor = new EventorProcess(pipeline);
    const [letter] = await lettersOf(deadLetters, 1, eventor);
    assert(namesOf(letter!).includes("eventor-dead-letter-message"));
    eventor.signal("SIGTERM");
    assertEquals(await eventor.exit(), 0);
  }
  const { code, stdout, stderr } = await redrive(pipeline);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "put back 1 dead letter\n");
  assertStringIncludes(stderr, "is put back without its idempotency key");
  const [, again] = await readTopic(topic);
  assertEquals([again?.value, again?.headers], [largest, ""]);
});
