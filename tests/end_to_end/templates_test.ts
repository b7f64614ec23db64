import { assertEquals } from "@std/assert";
import { startEndpoint } from "../support/http/endpoint.ts";
import { EventorProcess } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { bytes } from "../support/events.ts";
import {
  freshTopic,
  produce,
  produceByKcat,
  readTopic,
  testBroker,
} from "../support/kafka/broker.ts";

const NO_TENANT =
  "no value for ${event.headers.x-tenant}; write ${event.headers.x-tenant:-...} to set a default";
const NO_STEP =
  "the URL's path would contain '.' or '..' as a segment, which leads to another path";
const TOO_LARGE =
  "request header 'traceparent' would be at least 70011 bytes with its name; the limit is 8192";
const TOO_LARGE_TO_FORWARD =
  "request header 'trace' would be at least 500005 bytes with its name; the limit is 8192";
const NO_TOPIC = "the result's destination is none of those that are allowed";

function text(value: Uint8Array<ArrayBuffer> | null): string | null {
  return value && new TextDecoder().decode(value);
}

Deno.test("eventor fills the templates of requests and results, and makes events dead letters where it cannot", async () => {
  const [topic, us, deadLetters] = await Promise.all(
    ["templates", "templates-us", "templates-dead"].map((name) => freshTopic(name)),
  );
  const eu = await freshTopic("templates-eu", { partitions: 12 });
  const headers = [["X-Tenant", bytes("t\t1")], ["trace", bytes("abc")]] as const;
  await produce(topic!, [
    { key: "a/b", value: '{"id":12345678901234567890,"region":"eu"}', headers },
    { key: "c", value: '{"region":"us"}', headers },
    { key: "../admin", value: '{"id":"step","region":"eu"}', headers },
    { key: "d", value: '{"id":"topic","region":"mars"}', headers },
    { key: "e", value: '{"id":"tenant","region":"us"}', headers: [] },
    {
      key: "f",
      value: '{"id":"large","region":"us"}',
      headers: [...headers, ["traceparent", bytes("0".repeat(70_000))]],
    },
    {
      key: "g",
      value: '{"id":"forwarded","region":"us"}',
      headers: [["X-Tenant", bytes("t1")], ["trace", bytes("x".repeat(500_000))]],
    },
  ]);
  const topics = new Map([["eu", eu], ["us", us!]]);
  await using endpoint = startEndpoint(({ body }) => {
    const { region } = JSON.parse(new TextDecoder().decode(body));
    const topic = topics.get(region) ?? "mars";
    // Octets, here those of UTF-8.
    const headers = { "x-topic": topic, "x-region": region, "x-name": "M\xc3\xbcller" };
    return new Response(body, { status: 201, headers });
  });
  const producerConfig = `producerConfig: { bootstrap.servers: "${testBroker()}" }`;
  await using eventor = new EventorProcess(`
- name: templates
  eventListener:
    type: kafka
    topic: ${topic}
    consumerConfig:
      bootstrap.servers: "${testBroker()}"
      group.id: ${topic}
      auto.offset.reset: earliest
  eventHandler:
    type: http
    url: ${endpoint.url}orders/\${event.key}/lines?id=\${event.value.id:-none}
    headers: { X-Tenant: "tenant \${event.headers.x-tenant}" }
    forwardHeaders: [trace]
  eventResultProcessor:
    type: kafka
    topic: "\${response.headers.x-topic}"
    topics: [${eu}, ${us}]
    when: onSuccess
    key: "\${event.value.id:-none}-\${response.status}-\${response.headers.x-name}"
    headers: { region: "\${response.headers.x-region}" }
    ${producerConfig}
  deadLetter: { type: kafka, topic: ${deadLetters}, ${producerConfig} }
`);
  await eventually(async () => (await readTopic(deadLetters!)).length === 5, {
    deadlineMs: 30_000,
    what: () => `five dead letters; the log has:\n${eventor.lines.join("\n")}`,
  });
  const calls = endpoint.calls.map(({ url, headers }) => ({
    target: url.slice(endpoint.url.length - 1),
    tenant: headers.get("x-tenant"),
    trace: headers.get("trace"),
  }));
  const sent = { tenant: "tenant t%091", trace: "abc" };
  assertEquals(calls.toSorted((a, b) => a.target < b.target ? -1 : 1), [
    { target: "/orders/a%2Fb/lines?id=12345678901234567890", ...sent },
    { target: "/orders/c/lines?id=none", ...sent },
    { target: "/orders/d/lines?id=topic", ...sent },
  ]);

  const [ofEu, ofUs] = await Promise.all([readTopic(eu), readTopic(us!)]);
  assertEquals(ofEu.map(({ key }) => text(key)), ["12345678901234567890-201-Müller"]);
  assertEquals(ofUs.map(({ key }) => text(key)), ["none-201-Müller"]);
  assertEquals(/(^|,)region=eu(,|$)/.test(ofEu[0]?.headers ?? ""), true, ofEu[0]?.headers);

  const asKcat = ["-K", ":", "-X", "partitioner=murmur2_random"];
  await produceByKcat(eu, `${text(ofEu[0]!.key)}:by kcat\n`, asKcat);
  const partitions = (await readTopic(eu)).map(({ partition }) => partition);
  assertEquals(partitions, [ofEu[0]!.partition, ofEu[0]!.partition], "kcat chooses the same one");

  const letters = await readTopic(deadLetters!);
  const reasonOf = new Map(letters.map(({ value, headers }) => [
    JSON.parse(text(value) ?? "").id,
    /eventor-dead-letter-reason=template,.*eventor-dead-letter-message=(.*)$/.exec(headers)?.[1],
  ]));
  assertEquals(
    reasonOf,
    new Map([
      ["step", NO_STEP],
      ["topic", NO_TOPIC],
      ["tenant", NO_TENANT],
      ["large", TOO_LARGE],
      ["forwarded", TOO_LARGE_TO_FORWARD],
    ]),
  );
});
