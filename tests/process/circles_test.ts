import { assertEquals } from "@std/assert";
import {
  circlesOf,
  describeFoundCircle,
  type PipelinePlaces,
  placesOf,
} from "../../src/process/circles.ts";
import { pipelineSchema } from "../../src/config/schema.ts";
import type { OtherSide } from "../../src/core/transport.ts";

/** `first: A|a > B`: a pipeline that reads what is known as `A` and as `a`, and publishes at `B`. */
function pipeline(text: string): PipelinePlaces {
  const [name = "", way = ""] = text.split(": ");
  const [from = "", ...targets] = way.split(" > ");
  return {
    name,
    sources: new Set(from.split("|")),
    targets: targets.map((target, index) => ({
      path: `eventResultProcessor[${index}]`,
      description: `topic ${index}`,
      places: target.split("|"),
    })),
  };
}

/** Circles of the pipeline of the last line, as `path by others at place`. */
function circles(text: string): readonly string[] {
  const pipelines = text.trim().split("\n").map((line) => pipeline(line.trim()));
  const last = pipelines.at(-1);
  if (last === undefined) return [];
  return circlesOf(last, pipelines).map(({ target, others, place }) =>
    `${target.path} by ${others.join(", ") || "none"} at ${place}`
  );
}

Deno.test("circlesOf() finds what a pipeline publishes to itself, and names the place that is both", () => {
  assertEquals(circles("orders: A|b|c > X > Y|c|b"), ["eventResultProcessor[1] by none at c"]);
});

Deno.test("circlesOf() finds a ring, and the others of it in the order of the events", () => {
  assertEquals(
    circles(`
      second: B > C
      beside: A > D
      third: C|c > A
      first: A > B`),
    ["eventResultProcessor[0] by second, third at B"],
  );
});

Deno.test("circlesOf() names places by which a ring closes, whichever of their names", () => {
  assertEquals(
    circles(`
      second: B|2 > 1
      first: A|1 > 2`),
    ["eventResultProcessor[0] by second at 2"],
  );
});

Deno.test("circlesOf() does not find the circles of others, where a pipeline's records go", () => {
  assertEquals(
    circles(`
      second: B > C
      third: C > B
      first: A > B`),
    [],
  );
});

Deno.test("circlesOf() looks at the pipeline also when it is not among the others", () => {
  const first = pipeline("first: A > B > A");
  const second = pipeline("second: B > A");
  assertEquals(
    circlesOf(first, [second]).map(({ others }) => others),
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

function otherSide(place: string): OtherSide {
  return { hosts: [], places: [place] };
}

Deno.test("placesOf() has what is configured, and what the other side of each part has told", () => {
  const configured = placesOf(KAFKA);
  assertEquals(circlesOf(configured, []), []);

  const { sources, targets } = placesOf(KAFKA, [otherSide("1"), otherSide("2"), otherSide("3")]);

  assertEquals(sources, new Set([...configured.sources, "1"]));
  assertEquals(targets.map(({ path }) => path), ["deadLetter"]);
  assertEquals(targets[0]?.places, [...configured.targets[0]?.places ?? [], "3"]);
});

Deno.test("describeFoundCircle() names the section, its topic, the place, the others and what to do", () => {
  const orders = placesOf(KAFKA, [otherSide("one"), otherSide(""), otherSide("one")]);
  assertEquals(circlesOf(orders, [orders]).map(describeFoundCircle), [
    "deadLetter (kafka topic T on b:9092, which is one): events would go round for ever: this is " +
    "where the pipeline's own events come from; name another topic",
  ]);
  const others = [pipeline("second: B > C"), pipeline("third: C > A")];
  const [ring] = circlesOf(pipeline("first: A > B"), others);
  assertEquals(
    ring && describeFoundCircle(ring),
    "eventResultProcessor[0] (topic 0, which is B): events would go round for ever: this is where " +
      "those of 'second', 'third' come from, whose records come back to this pipeline; name another topic",
  );
});
