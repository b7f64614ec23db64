import { assertEquals } from "@std/assert";
import { problemsOf } from "./loading.ts";

interface Reader {
  readonly topic?: string;
  readonly group?: string;
  readonly servers?: string;
}

Deno.test("loadConfig() refuses two pipelines that read one topic in one group", () => {
  assertEquals(problems({}, {}), [
    "pipeline 'second': eventListener: pipeline 'first' of 'config.yaml' reads the same topic in the same group: " +
    "each event would reach only one of them; configure another group.id or another topic",
  ]);
});

Deno.test("loadConfig() knows a topic by any of its brokers", () => {
  assertEquals(problems({ servers: "a:9092,b:9092" }, { servers: "c,B:9092" }).length, 1);
  assertEquals(
    problems({ servers: "a" }, { servers: "b" }, { servers: "a,b" }).length,
    1,
  );
});

Deno.test("loadConfig() takes pipelines of one group with different topics, and of one topic with different groups", () => {
  assertEquals(problems({ topic: "T" }, { topic: "U" }), []);
  assertEquals(problems({ group: "g" }, { group: "h" }), []);
  assertEquals(problems({ servers: "a:9092" }, { servers: "a:9093" }), []);
});

/** Of a file with a pipeline for each reader. */
function problems(...readers: readonly Reader[]): readonly string[] {
  const names = ["first", "second", "third"];
  return problemsOf(
    readers.map(pipeline).map((text, index) => `\n- name: ${names[index]}${text}`).join(""),
  );
}

function pipeline({ topic = "T", group = "g", servers = "a:9092" }: Reader): string {
  return `
  eventListener:
    type: kafka
    topic: ${topic}
    consumerConfig: { bootstrap.servers: "${servers}", group.id: ${group} }
  eventHandler: { type: http, url: "http://localhost:8080/" }`;
}
