import { assert, assertEquals } from "@std/assert";
import { startEndpoint } from "../../../support/http/endpoint.ts";
import { eventually } from "../../../support/eventually.ts";
import { committedOffsets, freshTopic, produce, readTopic } from "../../../support/kafka/broker.ts";
import { aPipeline, Supervised } from "../../../support/workers/supervised.ts";

const PARTITIONS = 6;
const EVENTS_OF_PARTITION = Math.floor(10_000 / PARTITIONS);
const EVENTS = PARTITIONS * EVENTS_OF_PARTITION;

Deno.test("a member that comes and goes costs no event, no repetition and no order", async () => {
  await using endpoint = startEndpoint();
  const topic = await freshTopic("rebalance", { partitions: PARTITIONS });
  const results = await freshTopic("rebalance-results", { partitions: PARTITIONS });
  await produce(
    topic,
    Array.from({ length: EVENTS }, (_, index) => ({
      key: `${index % PARTITIONS}`,
      value: `${index % PARTITIONS}:${Math.floor(index / PARTITIONS)}`,
      partition: index % PARTITIONS,
    })),
  );
  const called = (count: number) =>
    eventually(() => endpoint.calls.length >= count, {
      deadlineMs: 90_000,
      what: () => `${count} calls, found ${endpoint.calls.length}`,
    });
  // By its next sign of life a member learns that another has come or gone.
  const keys = { "heartbeat.interval.ms": 300 };
  // Hooks into the group are kept for each isolate, so each member has a Worker.
  const member = (name: string) => {
    const pipeline = aPipeline({ name, topic, results, url: `${endpoint.url}${name}`, keys });
    return new Supervised([{ ...pipeline, logLevel: "INFO" }]);
  };
  const callsBy = (name: string) => endpoint.calls.filter(({ path }) => path === `/${name}`).length;

  await using _first = member("first");
  await called(EVENTS / 10);
  {
    await using _second = member("second");
    await eventually(() => callsBy("second") > EVENTS / 10, {
      deadlineMs: 60_000,
      what: "calls by the second member",
    });
  }
  const callsOfSecond = callsBy("second");
  const callsUntilItLeft = endpoint.calls.length;
  await called(EVENTS);
  const allCommitted = async () =>
    (await committedOffsets(topic, topic)).values()
      .every((offset) => offset === EVENTS_OF_PARTITION);
  await eventually(allCommitted, { deadlineMs: 30_000, what: "every offset committed" });

  assert(callsUntilItLeft < EVENTS, "the second member left while there was work");
  assertEquals(callsBy("second"), callsOfSecond);
  const inOrder = Array.from(
    { length: PARTITIONS },
    (_, partition) =>
      Array.from({ length: EVENTS_OF_PARTITION }, (_, number) => `${partition}:${number}`),
  );
  assertSame(byPartition(endpoint.calls.map(({ body }) => body)), inOrder, "calls");
  const stored = await readTopic(results);
  assertSame(byPartition(stored.map(({ value }) => value)), inOrder, "results");
});

function byPartition(values: readonly (Uint8Array | null)[]): string[][] {
  const decoder = new TextDecoder();
  const texts = values.map((value) => decoder.decode(value ?? undefined));
  return Array.from(
    { length: PARTITIONS },
    (_, partition) => texts.filter((text) => text.startsWith(`${partition}:`)),
  );
}

/** Names the first difference; all of them would fill many screens. */
function assertSame(
  actual: readonly string[][],
  expected: readonly string[][],
  what: string,
): void {
  for (const [partition, values] of expected.entries()) {
    const index = values.findIndex((value, index) => value !== actual[partition]?.[index]);
    assertEquals(actual[partition]?.[index], values[index], `${what} of partition ${partition}`);
    assertEquals(actual[partition]?.length, values.length, `${what} of partition ${partition}`);
  }
}
