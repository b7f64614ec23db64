import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startEndpoint, unusedPort } from "../support/http/endpoint.ts";
import { EventorProcess } from "../support/executable/eventor_process.ts";
import {
  freshTopic,
  produce,
  readTopic,
  testBroker,
  testBrokerByOtherName,
} from "../support/kafka/broker.ts";
import { fileOf, kafkaPipeline } from "../support/executable/pipeline_yaml.ts";

for (const section of ["results", "errors", "deadLetters"] as const) {
  Deno.test(`eventor refuses a pipeline whose ${section} are its own events, by another name of its broker`, async () => {
    await using endpoint = startEndpoint();
    const topic = await freshTopic("circle");
    await produce(topic, [{ value: "event" }]);
    await using eventor = new EventorProcess(
      kafkaPipeline({ ...names(), topic, [section]: topic, url: endpoint.url }),
    );
    assertEquals(await eventor.exit(), 1);
    const [line = "", ...others] = eventor.lines.filter((line) => line.includes("ERROR"));
    assertMatch(
      line,
      new RegExp(
        `pipeline 'orders' is not started: \\S+ \\(kafka topic ${topic} on ${names().resultBroker}, ` +
          `which is kafka cluster \\S+ topic ${topic}\\): events would loop endlessly: this ` +
          "pipeline reads from there itself; configure another topic$",
      ),
    );
    assertEquals(others, []);
    assertEquals(endpoint.calls.length, 0);
    assertEquals((await readTopic(topic)).length, 1);
  });
}

Deno.test("eventor breaks a ring of pipelines by not starting one of them, and says so at /readyz", async () => {
  await using endpoint = startEndpoint();
  const [there, back] = [await freshTopic("there"), await freshTopic("back")];
  const [first, second] = [
    { name: "first", topic: there, results: back },
    { name: "second", topic: back, results: there },
  ];
  for (const { topic } of [first, second]) await produce(topic, [{ value: `of ${topic}` }]);
  const address = `127.0.0.1:${unusedPort()}`;
  await using eventor = new EventorProcess(
    fileOf(
      [first, second].map((way) => kafkaPipeline({ ...way, ...names(), url: endpoint.url }))
        .join(""),
      { admin: { address } },
    ),
  );

  const line = await eventor.line(/is not started/);
  const [refused, other] = line.includes("pipeline 'first' is not started")
    ? [first, second]
    : [second, first];
  await eventor.line(new RegExp(`successfully produced EventHandler result: .*${other.results}`));

  assertStringIncludes(line, `they would come back through '${other.name}'; `);
  const response = await fetch(`http://${address}/readyz`);
  const { pipelines } = await response.json();
  assertEquals(response.status, 503);
  assertMatch(
    JSON.stringify(pipelines.find(({ name }: { name: string }) => name === refused.name)),
    /it is not started: eventResultProcessor\[0\] .*: events would loop endlessly/,
  );
  eventor.signal("SIGTERM");
  assertEquals(await eventor.exit(), 1);
  assertEquals(eventor.lines.filter((line) => line.includes("is not started")).length, 1);
  assert(!eventor.lines.some((line) => line.includes("restarting")));
  // Its own event, and the result of the other's event.
  assertEquals((await readTopic(refused.topic)).length, 2);
  assertEquals((await readTopic(other.topic)).length, 1);
});

/** Two names of one broker: one for events, one for what is published. */
function names(): { broker: string; resultBroker: string } {
  return { broker: testBroker(), resultBroker: testBrokerByOtherName() };
}
