import { assertEquals } from "@std/assert";
import { echo, startEndpoint } from "../support/http/endpoint.ts";
import { EventorProcess } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import {
  committedOffsets,
  freshName,
  freshTopic,
  produceByKcat,
  readTopic,
  testBroker,
} from "../support/kafka/broker.ts";

/** The configuration that the original's documentation shows; names, brokers and port are those of the test. */
function originalSample(
  { source, results, group, url }: Record<"source" | "results" | "group" | "url", string>,
): string {
  return `
- name: MY_FIRST_TOPIC-to-MY_RESPONSE_TOPIC
  logLevel: 0 # 0 = DEBUG, 1 = INFO, 2 = WARN, 3 = ERROR
  eventListener:
    type: kafka
    topic: ${source} # the topic from which events are consumed
    consumerConfig:
      bootstrap.servers: ${testBroker()}, ${testBroker()}
      group.id: ${group}
      auto.offset.reset: earliest
      enable.auto.commit: false
  eventHandler:
    type: http
    method: POST
    url: ${url}payload?secret=canary
    headers:
      Content-Type: application/text
      Authorization: Basic Y2FuYXJ5
  eventResultProcessor:
    type: kafka
    topic: ${results}
    when:
      - onSuccess
    producerConfig:
      bootstrap.servers: ${testBroker()}
      acks: all
`;
}

Deno.test("eventor runs the original's sample configuration on events of any compression", async (t) => {
  const source = await freshTopic("MY_FIRST_TOPIC");
  const results = await freshTopic("MY_RESPONSE_TOPIC");
  const group = freshName("myVeryFirstGroup");
  await using endpoint = startEndpoint(echo);
  await using eventor = new EventorProcess(
    originalSample({ source, results, group, url: endpoint.url }),
  );

  const values: string[] = [];
  for (const compression of ["none", "gzip", "snappy", "lz4", "zstd"]) {
    const value = `Hello World! ${compression} ${"x".repeat(5000)}`;
    values.push(value);
    await produceByKcat(source, `${value}\n`, ["-z", compression]);
  }
  await eventor.line(new RegExp(`successfully produced.*\\[0\\]@${values.length - 1}$`));
  eventor.signal("SIGTERM");
  assertEquals(await eventor.exit(), 0);

  await t.step("each event comes back once, in order, without a key as it was sent", async () => {
    const stored = await readTopic(results);
    assertEquals(stored.map(({ value }) => decode(value)), values);
    assertEquals(stored.map(({ key }) => key), values.map(() => null));
  });

  await t.step("the endpoint gets the configured headers and the value as it is", () => {
    assertEquals(endpoint.calls.map(({ body }) => decode(body)), values);
    for (const { method, path, headers } of endpoint.calls) {
      assertEquals([method, path], ["POST", "/payload"]);
      assertEquals(headers.get("content-type"), "application/text");
      assertEquals(headers.get("authorization"), "Basic Y2FuYXJ5");
    }
  });

  await t.step("the log has the original's lines", () => {
    const time = "\\d{4}/\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d";
    const expected = values.flatMap((_, offset) => [
      `${time} DEBUG - handling message: ${source}\\[0\\]@${offset}`,
      `${time} DEBUG - calling endpoint: 'POST ${endpoint.url}payload'`,
      `${time} DEBUG - successfully produced EventHandler result: ${results}\\[0\\]@${offset}`,
    ]);
    const lines = eventor.lines.filter((line) => /handling|calling|produced/.test(line));
    assertEquals(lines.length, expected.length);
    for (const [index, pattern] of expected.entries()) {
      assertEquals(
        lines[index]?.match(`^${pattern}$`)?.length,
        1,
        `${lines[index]} is not ${pattern}`,
      );
    }
  });

  await t.step("the log holds neither payload, header values nor the query", () => {
    assertEquals(eventor.lines.filter((line) => /canary|Y2FuYXJ5|xxxx|Hello/.test(line)), []);
  });

  await t.step("everything is committed", async () => {
    await eventually(
      async () => (await committedOffsets(group, source)).get(0) === values.length,
      { what: "the group's offset at the end of the topic" },
    );
  });
});

function decode(bytes: Uint8Array | null): string {
  return new TextDecoder().decode(bytes ?? undefined);
}
