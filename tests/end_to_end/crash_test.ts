import { assertEquals, assertMatch } from "@std/assert";
import { type Call, startEndpoint } from "../support/http/endpoint.ts";
import { EventorProcess } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { committedOffsets, freshTopic, produce, readTopic } from "../support/kafka/broker.ts";
import { kafkaPipeline, type PipelineYaml } from "../support/executable/pipeline_yaml.ts";

const EVENTS = 200;
const POISON = "event 60";

async function prepare({ partitions = 1 } = {}) {
  const [topic, results, deadLetters] = await Promise.all(
    ["crash", "crash-results", "crash-dead"].map((name) => freshTopic(name, { partitions })),
  );
  await produce(
    topic!,
    Array.from({ length: EVENTS }, (_, event) => ({
      key: `key-${event % 20}`,
      value: `event ${event}`,
    })),
  );
  return { topic: topic!, results: results!, deadLetters: deadLetters! };
}

const isPoison = ({ body }: Call) => new TextDecoder().decode(body) === POISON;

/** Starts it again each time that it has ended, as an orchestrator would, until everything is committed. */
async function keepRunning(
  pipeline: PipelineYaml,
  { whenStarted }: { whenStarted: (eventor: EventorProcess) => void },
): Promise<{ starts: number }> {
  for (let starts = 1;; starts++) {
    await using eventor = new EventorProcess(kafkaPipeline(pipeline));
    whenStarted(eventor);
    const isDone = async () =>
      (await committedOffsets(pipeline.topic, pipeline.topic)).values()
        .reduce((sum, offset) => sum + offset, 0) === EVENTS;
    let hasEnded = false;
    const end = eventor.exit().then(() => hasEnded = true);
    await eventually(async () => hasEnded || await isDone(), {
      deadlineMs: 60_000,
      what: "everything is committed, or the process has ended",
    });
    if (hasEnded && !(await isDone())) continue;
    eventor.signal("SIGTERM");
    await end;
    return { starts };
  }
}

Deno.test("eventor stores an event that ends the process as a dead letter, and no other", async () => {
  const { topic, results, deadLetters } = await prepare({ partitions: 3 });
  let kill = () => {};
  await using endpoint = startEndpoint(async (call) => {
    if (isPoison(call)) kill();
    // Long enough for others to be under way when the process ends.
    await new Promise((resolve) => setTimeout(resolve, 20));
    return new Response(call.body);
  });
  const { starts } = await keepRunning(
    {
      topic,
      results,
      deadLetters,
      url: endpoint.url,
      consumerConfig: { "session.timeout.ms": 6000 },
    },
    { whenStarted: (eventor) => kill = () => eventor.signal("SIGKILL") },
  );

  const [letter, ...others] = await readTopic(deadLetters);
  assertEquals(others, []);
  assertEquals(new TextDecoder().decode(letter?.value ?? undefined), POISON);
  assertMatch(letter?.headers ?? "", /eventor-dead-letter-reason=crash,/);
  assertMatch(letter?.headers ?? "", /eventor-dead-letter-attempts=5,/);
  const delivered = new Set(
    (await readTopic(results)).map(({ value }) => new TextDecoder().decode(value ?? undefined)),
  );
  assertEquals(delivered.size, EVENTS - 1);
  assertEquals(starts <= 15, true, `it took ${starts} starts`);
});

Deno.test("eventor goes on counting the attempts of the event that a topic waits for, after a restart", async () => {
  const { topic, results, deadLetters } = await prepare();
  const attempts: string[] = [];
  await using endpoint = startEndpoint((call) => {
    if (!isPoison(call)) return new Response(call.body);
    attempts.push(call.headers.get("eventor-attempt") ?? "");
    return new Response("not now", { status: 503 });
  });
  const pipeline = kafkaPipeline({
    topic,
    results,
    deadLetters,
    url: endpoint.url,
    // Long enough for the signal to come between two calls: one that ends while eventor stops does not count.
    handler: { retry: { maxAttempts: 4, initialDelay: "3s", multiplier: 1, jitter: "none" } },
  });
  {
    await using eventor = new EventorProcess(pipeline);
    const failures = () => eventor.lines.filter((line) => /@60: status 503; trying/.test(line));
    await eventually(() => failures().length === 2, { deadlineMs: 30_000, what: "two failures" });
    eventor.signal("SIGTERM");
    assertEquals(await eventor.exit(), 0);
  }
  await using eventor = new EventorProcess(pipeline);
  await eventor.line(/dead letter of/);
  assertEquals(attempts, ["1", "2", "3", "4"]);
});
