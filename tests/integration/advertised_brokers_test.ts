import { assert, assertEquals, assertMatch } from "@std/assert";
import { createTopics, startBroker } from "../../tools/kafka/mod.ts";
import { startEndpoint, unusedPort } from "../support/http/endpoint.ts";
import { eventually } from "../support/eventually.ts";
import { committedOffsets, freshName, freshTopic, produce } from "../support/kafka/broker.ts";
import { aPipeline, Supervised } from "../support/workers/supervised.ts";

/** For so long the broker waits, once it is back, for the member that has lost it. */
const SHORT_SESSION = { "session.timeout.ms": 4000 };

Deno.test("a pipeline reaches brokers under the names they advertise, and follows when these change", async () => {
  const names = new Names();
  await using broker = await startBroker({
    requireJvm: true,
    port: names.bootstrap,
    properties: names.advertiseFirst(),
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
    aPipeline({ topic, url: endpoint.url, broker: broker.bootstrapServer, keys: SHORT_SESSION }),
  ]);
  const mayConnect = (advertised: string) =>
    `INFO - pipeline 'orders' may connect to ${
      [broker.bootstrapServer, endpoint.host, advertised].sort().join(", ")
    }, and nothing else`;

  await produce(topic, [{ value: "first" }], { broker: broker.bootstrapServer });
  await called(1);
  assertEquals(supervised.log.matching(/may connect to/), [mayConnect(names.first)]);

  const committed = () => committedOffsets(topic, topic, { broker: names.first });
  await eventually(async () => (await committed()).get(0) === 1, { what: "the commit" });
  await broker.restart(names.advertiseSecond());
  await produce(topic, [{ value: "second" }], { broker: broker.bootstrapServer });
  await called(2);

  assertEquals(supervised.log.matching(/may connect to/).at(-1), mayConnect(names.second));
  // A consumer may give up on the old name before it hears of the new one; the pipeline starts again either way.
  assert(supervised.log.matching(/is new and not among the hosts/).length <= 1);
  assertEquals(endpoint.calls.map(({ body }) => new TextDecoder().decode(body)), [
    "first",
    "second",
  ]);
});

Deno.test("a pipeline follows when the broker of its results advertises another name", async () => {
  const names = new Names();
  await using broker = await startBroker({
    requireJvm: true,
    port: names.bootstrap,
    properties: names.advertiseFirst(),
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

  await broker.restart(names.advertiseSecond());
  await produce(topic, [{ value: "second" }]);
  await supervised.log.line(/successfully produced EventHandler result: .*@1/, {
    deadlineMs: 60_000,
  });

  assertMatch(supervised.log.matching(/may connect to/).at(-1) ?? "", new RegExp(names.second));
  assertEquals(supervised.log.matching(/is new and not among the hosts/).length, 1);
});

/** Ports of a broker that several names lead to. */
class Names {
  readonly bootstrap = unusedPort();
  readonly #first = unusedPort();
  readonly #second = unusedPort();
  readonly #controller = unusedPort();
  readonly first = `localhost:${this.#first}`;
  readonly second = `localhost:${this.#second}`;

  /** Settings of a broker that clients find at the bootstrap port, and that then sends them to `first`. */
  advertiseFirst(): Record<string, string> {
    return {
      ...this.#advertise(this.first, [this.#first, this.#second]),
      "listener.security.protocol.map":
        "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OTHER0:PLAINTEXT,OTHER1:PLAINTEXT",
      "controller.quorum.voters": `1@127.0.0.1:${this.#controller}`,
      "group.min.session.timeout.ms": `${SHORT_SESSION["session.timeout.ms"]}`,
    };
  }

  /** Settings with which it sends them to `second`. It has left `first`, where they could go on. */
  advertiseSecond(): Record<string, string> {
    return this.#advertise(this.second, [this.#second]);
  }

  #advertise(name: string, ports: readonly number[]): Record<string, string> {
    const others = (host: string) => ports.map((port, index) => `OTHER${index}://${host}:${port}`);
    return {
      "listeners": [
        `PLAINTEXT://127.0.0.1:${this.bootstrap}`,
        ...others("127.0.0.1"),
        `CONTROLLER://127.0.0.1:${this.#controller}`,
      ].join(),
      "advertised.listeners": [`PLAINTEXT://${name}`, ...others("localhost")].join(),
    };
  }
}
