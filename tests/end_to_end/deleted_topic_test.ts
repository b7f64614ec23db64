import { assert, assertEquals } from "@std/assert";
import { createTopics } from "../../tools/kafka/mod.ts";
import { BrokerAdmin } from "../../faults/broker_admin.ts";
import { startEndpoint, unusedPort } from "../support/http/endpoint.ts";
import { EventorProcess } from "../support/executable/eventor_process.ts";
import { eventually } from "../support/eventually.ts";
import { FetchProxy } from "../support/kafka/fetch_proxy.ts";
import { freshTopic, produce, testBroker } from "../support/kafka/broker.ts";
import { fileOf, kafkaPipeline } from "../support/executable/pipeline_yaml.ts";

const SAID_WITHIN_MS = 10_000;

Deno.test("a topic that is deleted is named by log and /readyz within 10 s, costs no rejoin, and is read from its first event when it is created anew", async () => {
  const topic = await freshTopic("deleted");
  await using proxy = await FetchProxy.start(testBroker());
  await using endpoint = startEndpoint();
  const values = () => endpoint.calls.map(({ body }) => new TextDecoder().decode(body));
  const called = (count: number) =>
    eventually(() => values().length >= count, {
      deadlineMs: 30_000,
      what: () => `${count} calls, found ${values()}; its log:\n${eventor.lines.join("\n")}`,
    });
  const port = unusedPort();
  const readyz = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`);
    return `${response.status} ${await response.text()}`;
  };
  await using eventor = new EventorProcess(fileOf(
    kafkaPipeline({
      topic,
      broker: proxy.address,
      url: endpoint.url,
      consumerConfig: { "auto.offset.reset": "latest" },
      logLevel: "INFO",
    }),
    { admin: { address: `127.0.0.1:${port}` } },
  ));
  await eventor.line(/joined group/);
  await produce(topic, ["a", "b", "c", "d"].map((value) => ({ value })));
  await called(4);

  const { joins } = proxy;
  assert(joins > 0, "the pipeline joins by way of the proxy");
  await new BrokerAdmin(testBroker()).deleteTopic(topic);
  const reason = `cannot read ${topic}[0]@4: the topic does not exist any more`;
  await eventually(
    async () =>
      eventor.lines.some((line) => line.includes(`WARN - ${reason}; trying again`)) &&
      (await readyz()).startsWith("503") && (await readyz()).includes(reason),
    { deadlineMs: SAID_WITHIN_MS, what: () => `${reason}, found:\n${eventor.lines.join("\n")}` },
  );

  await createTopics(testBroker(), [{ topic }]);
  await produce(topic, ["new", "newer"].map((value) => ({ value })));
  await called(6);
  assertEquals(values().slice(4), ["new", "newer"]);
  await eventor.line(/INFO - reading deleted-\S+\[0\] again/);
  await eventually(async () => (await readyz()).startsWith("200"), { what: "readiness" });
  assertEquals(proxy.joins, joins);
});
