import { assertEquals } from "@std/assert";
import {
  cyclesOf,
  describeDiscoveredCycle,
  flowOf,
  type PipelineFlow,
} from "../../src/config/cycles.ts";
import { pipelineSchema } from "../../src/config/schema.ts";
import type { Discovery } from "../../src/core/transport.ts";

/** `first: A|a > B`: a pipeline that reads what is known as `A` and as `a`, and publishes at `B`. */
function pipeline(text: string): PipelineFlow {
  const [name = "", way = ""] = text.split(": ");
  const [from = "", ...targets] = way.split(" > ");
  return {
    name,
    sources: new Set(from.split("|")),
    targets: targets.map((target, index) => ({
      path: `eventResultProcessor[${index}]`,
      description: `topic ${index}`,
      destinations: target.split("|"),
    })),
  };
}

/** Cycles of the pipeline of the last line, as `path by others at destination`. */
function cycles(text: string): readonly string[] {
  const pipelines = text.trim().split("\n").map((line) => pipeline(line.trim()));
  const last = pipelines.at(-1);
  if (last === undefined) return [];
  return cyclesOf(last, pipelines).map(({ target, others, destination }) =>
    `${target.path} by ${others.join(", ") || "none"} at ${destination}`
  );
}

Deno.test("cyclesOf() finds what a pipeline publishes to itself, and names the destination that is both", () => {
  assertEquals(cycles("orders: A|b|c > X > Y|c|b"), ["eventResultProcessor[1] by none at c"]);
});

Deno.test("cyclesOf() finds a ring, and the others of it in the order of the events", () => {
  assertEquals(
    cycles(`
      second: B > C
      beside: A > D
      third: C|c > A
      first: A > B`),
    ["eventResultProcessor[0] by second, third at B"],
  );
});

Deno.test("cyclesOf() names destinations by which a ring closes, whichever of their names", () => {
  assertEquals(
    cycles(`
      second: B|2 > 1
      first: A|1 > 2`),
    ["eventResultProcessor[0] by second at 2"],
  );
});

Deno.test("cyclesOf() does not find the cycles of others, where a pipeline's records go", () => {
  assertEquals(
    cycles(`
      second: B > C
      third: C > B
      first: A > B`),
    [],
  );
});

Deno.test("cyclesOf() looks at the pipeline also when it is not among the others", () => {
  const first = pipeline("first: A > B > A");
  const second = pipeline("second: B > A");
  assertEquals(
    cyclesOf(first, [second]).map(({ others }) => others),
    [["second"], []],
  );
});

const KAFKA = pipelineSchema.parse({
  name: "orders",
  eventListener: {
    type: "kafka",
    topic: "T",
    consumerConfig: { "bootstrap.servers": "a:9092", "group.id": "orders" },
  },
  eventHandler: { type: "http", url: "http://localhost:8080/" },
  deadLetter: { type: "kafka", topic: "T", producerConfig: { "bootstrap.servers": "b:9092" } },
});

function discovery(destination: string): Discovery {
  return { hosts: [], destinations: [destination] };
}

Deno.test("flowOf() has what is configured, and what the other side of each part has told", () => {
  const configured = flowOf(KAFKA);
  assertEquals(cyclesOf(configured, []), []);

  const { sources, targets } = flowOf(KAFKA, [discovery("1"), discovery("2"), discovery("3")]);

  assertEquals(sources, new Set([...configured.sources, "1"]));
  assertEquals(targets.map(({ path }) => path), ["deadLetter"]);
  assertEquals(targets[0]?.destinations, [...configured.targets[0]?.destinations ?? [], "3"]);
});

Deno.test("describeDiscoveredCycle() names the section, its topic, the place, the others and what to do", () => {
  const orders = flowOf(KAFKA, [discovery("one"), discovery(""), discovery("one")]);
  assertEquals(cyclesOf(orders, [orders]).map(describeDiscoveredCycle), [
    "deadLetter (kafka topic T on b:9092, which is one): events would loop endlessly: this " +
    "pipeline reads from there itself; configure another topic",
  ]);
  const others = [pipeline("second: B > C"), pipeline("third: C > A")];
  const [ring] = cyclesOf(pipeline("first: A > B"), others);
  assertEquals(
    ring && describeDiscoveredCycle(ring),
    "eventResultProcessor[0] (topic 0, which is B): events would loop endlessly: they would " +
      "come back through 'second', 'third'; configure another topic",
  );
});
