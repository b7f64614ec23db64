import { assertEquals } from "@std/assert";
import { problemsOf } from "./loading.ts";

/** Pipelines `name: from > to`, a line each, with the server of a topic behind an `@`. */
function problems(text: string): readonly string[] {
  return problemsOf(text.trim().split("\n").map(pipeline).join(""));
}

function pipeline(line: string): string {
  const [name, way = ""] = line.trim().split(": ");
  const [from = "", ...targets] = way.split(" > ");
  const [to = "", dead] = targets;
  return `
- name: ${name}
  eventListener:
    type: kafka
    topic: ${topicOf(from)}
    consumerConfig: { bootstrap.servers: "${serversOf(from)}", group.id: ${name} }
  eventHandler: { type: http, url: "http://localhost:8080/" }
  eventResultProcessor: ${store(to, "when: onSuccess, ")}
${dead === undefined ? "" : `  deadLetter: ${store(dead)}`}`;
}

function store(place: string, when = ""): string {
  const producer = `{ bootstrap.servers: "${serversOf(place)}" }`;
  return `{ type: kafka, topic: ${topicOf(place)}, ${when}producerConfig: ${producer} }`;
}

function topicOf(place: string): string {
  return place.split("@")[0] ?? "";
}

function serversOf(place: string): string {
  return place.split("@")[1] ?? "a:9092,b:9092";
}

Deno.test("loadConfig() refuses a pipeline whose results are its own events", () => {
  assertEquals(problems("orders: T > T"), [
    "pipeline 'orders': eventResultProcessor[0]: events would loop endlessly: this " +
    "pipeline reads from there itself; configure another topic",
  ]);
});

Deno.test("loadConfig() refuses dead letters that are the pipeline's own events", () => {
  assertEquals(problems("orders: T > R > T").map((problem) => problem.split(": ")[1]), [
    "deadLetter",
  ]);
});

Deno.test("loadConfig() refuses a ring of pipelines, at each section that is part of it", () => {
  assertEquals(
    problems(`
      first: A > B
      second: B > C
      third: C > A
      beside: A > D`),
    [["first", "'second', 'third'"], ["second", "'third', 'first'"], ["third", "'first', 'second'"]]
      .map(([name, others]) =>
        `pipeline '${name}': eventResultProcessor[0]: events would loop endlessly: they would ` +
        `come back through ${others}; configure another topic`
      ),
  );
});

Deno.test("loadConfig() does not show names from outside when it refuses a ring", () => {
  const text = ["first: A > B", "second: B > A"].map(pipeline).join("")
    .replaceAll("name: second", 'name: "${env:NAME}"');
  const found = problemsOf(text, { variables: { NAME: "hidden-name" } });
  assertEquals(found.length, 2);
  assertEquals(found.filter((problem) => problem.includes("hidden-name")), []);
});

Deno.test("loadConfig() knows a cluster by any of its servers, and tells clusters apart", () => {
  assertEquals(problems("orders: T@a:9092,b:9092 > T@B:9092,c:9092").length, 1);
  assertEquals(problems("orders: T@a:9092 > T@b:9092"), []);
});

Deno.test("loadConfig() takes pipelines one after the other", () => {
  assertEquals(problems("first: A > B\nsecond: B > C"), []);
});
