import { assertEquals, assertMatch } from "@std/assert";
import { type Broker, createTopics, startBroker } from "../../tools/kafka/mod.ts";
import { startEndpoint, unusedPort } from "../support/endpoint.ts";
import { eventually } from "../support/eventually.ts";
import { committedOffsets, freshName, freshTopic, produce } from "../support/kafka.ts";
import { aPipeline, Supervised } from "../support/supervised.ts";

Deno.test("a pipeline reaches brokers under the names they advertise, and follows when these change", async () => {
  const [bootstrap, firstPort, secondPort] = [unusedPort(), unusedPort(), unusedPort()];
  const hosts = { first: `localhost:${firstPort}`, second: `localhost:${secondPort}` };
  await using broker = await startBroker({
    requireJvm: true,
    port: bootstrap,
    properties: advertising(bootstrap, hosts.first, [firstPort, secondPort], unusedPort()),
  });
  const topic = freshName("advertised");
  await createTopics(broker.bootstrapServer, [{ topic }]);
  await using endpoint = startEndpoint();
  const called = (count: number) =>
    eventually(() => endpoint.calls.length >= count, {
      deadlineMs: 60_000,
      what: () => `${count} calls; the log has:\n${supervised.log.lines.join("\n")}`,
    });
  await using supervised = new Supervised([
    aPipeline({ topic, url: endpoint.url, broker: broker.bootstrapServer }),
  ]);
  const mayReach = (advertised: string) =>
    `INFO - pipeline 'orders' may reach ${
      [broker.bootstrapServer, endpoint.host, advertised].sort().join(", ")
    }, and nothing else`;

  await produce(topic, [{ value: "first" }], { broker: broker.bootstrapServer });
  await called(1);
  assertEquals(supervised.log.matching(/may reach/), [mayReach(hosts.first)]);

  const committed = () => committedOffsets(topic, topic, { broker: hosts.first });
  await eventually(async () => (await committed()).get(0) === 1, { what: "the commit" });
  await advertise(broker, hosts);
  await produce(topic, [{ value: "second" }], { broker: broker.bootstrapServer });
  await called(2);

  assertEquals(supervised.log.matching(/may reach/).at(-1), mayReach(hosts.second));
  assertEquals(supervised.log.matching(/is new and not among the hosts/).length, 1);
  assertEquals(endpoint.calls.map(({ body }) => new TextDecoder().decode(body)), [
    "first",
    "second",
  ]);
});

Deno.test("a pipeline follows when the broker of its results advertises another name", async () => {
  const [bootstrap, firstPort, secondPort] = [unusedPort(), unusedPort(), unusedPort()];
  const hosts = { first: `localhost:${firstPort}`, second: `localhost:${secondPort}` };
  await using broker = await startBroker({
    requireJvm: true,
    port: bootstrap,
    properties: advertising(bootstrap, hosts.first, [firstPort, secondPort], unusedPort()),
  });
  const resultBroker = broker.bootstrapServer;
  const [topic, results] = [await freshTopic("advertised"), freshName("results")];
  await createTopics(resultBroker, [{ topic: results }]);
  await using endpoint = startEndpoint();
  await using supervised = new Supervised([
    aPipeline({ topic, url: endpoint.url, results, resultBroker }),
  ]);
  await produce(topic, [{ value: "first" }]);
  await supervised.log.line(/successfully produced/);

  await advertise(broker, hosts);
  await produce(topic, [{ value: "second" }]);
  await supervised.log.line(/successfully produced EventHandler result: .*@1/, {
    deadlineMs: 60_000,
  });

  assertMatch(supervised.log.matching(/may reach/).at(-1) ?? "", new RegExp(hosts.second));
  assertEquals(supervised.log.matching(/is new and not among the hosts/).length, 1);
});

/** A broker whose clients find it at the bootstrap port, and are then told to go to another. */
function advertising(
  bootstrap: number,
  advertised: string,
  ports: readonly number[],
  controllerPort: number,
): Record<string, string> {
  const extra = ports.map((port, index) => `OTHER${index}://127.0.0.1:${port}`);
  const advertisedExtra = ports.map((port, index) => `OTHER${index}://localhost:${port}`);
  return {
    "listeners": [
      `PLAINTEXT://127.0.0.1:${bootstrap}`,
      ...extra,
      `CONTROLLER://127.0.0.1:${controllerPort}`,
    ].join(),
    "advertised.listeners": [`PLAINTEXT://${advertised}`, ...advertisedExtra].join(),
    "listener.security.protocol.map":
      "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OTHER0:PLAINTEXT,OTHER1:PLAINTEXT",
    "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
  };
}

/** Has a broker come back with another name. */
async function advertise(
  broker: Broker,
  { first, second }: { first: string; second: string },
): Promise<void> {
  const file = `${broker.logFile?.replace(/\/[^/]*$/, "")}/server.properties`;
  const properties = await Deno.readTextFile(file);
  await Deno.writeTextFile(
    file,
    properties
      .replace(`PLAINTEXT://${first}`, `PLAINTEXT://${second}`)
      // Else clients would go on under the name that they know.
      .replace(`OTHER0://${first.replace("localhost", "127.0.0.1")},`, "")
      .replace(`OTHER0://${first},`, ""),
  );
  await broker.restart();
}
