import { assertEquals, assertStringIncludes } from "@std/assert";
import { kafkaListener } from "../../src/transports/kafka/mod.ts";
import { createTopics, startBroker } from "../../tools/kafka/mod.ts";
import { startEndpoint, unusedPort } from "../support/http/endpoint.ts";
import { eventually } from "../support/eventually.ts";
import { freshName, produce } from "../support/kafka/broker.ts";
import { listenerConfig } from "../support/kafka/config.ts";
import { RecordedLog } from "../support/recorded_log.ts";
import { aPipeline, Supervised } from "../support/workers/supervised.ts";

Deno.test("a pipeline works with a broker at an IPv6 address, which it also advertises", async () => {
  const ports = new Ports();
  await using broker = await startBroker(ports.options());
  const [topic, results] = [freshName("ipv6"), freshName("results")];
  await createTopics(broker.bootstrapServer, [{ topic }, { topic: results }]);
  await produce(topic, [{ value: "first" }], { broker: broker.bootstrapServer });
  await using endpoint = startEndpoint();

  const address = `[::1]:${ports.ipv6}`;
  const pipeline = aPipeline({ topic, url: endpoint.url, results, broker: address });
  await using supervised = new Supervised([pipeline]);
  await supervised.log.line(/successfully produced EventHandler result/, { deadlineMs: 60_000 });

  assertEquals(endpoint.calls.length, 1);
  const hosts = [endpoint.host, address].sort().join(", ");
  assertEquals(supervised.log.matching(/may connect to/), [
    `INFO - pipeline 'orders' may connect to ${hosts}, and nothing else`,
  ]);
  const context = { pipeline: "orders", log: supervised.log.log };
  const config = listenerConfig({ topic, group: topic, keys: { "bootstrap.servers": address } });
  assertEquals(await kafkaListener.check!(config, context), []);
});

Deno.test("a pipeline says of a broker's name that cannot be resolved that it is advertised", async () => {
  const ports = new Ports();
  await using broker = await startBroker(ports.options());
  const topic = freshName("advertised");
  await createTopics(broker.bootstrapServer, [{ topic }]);
  await using endpoint = startEndpoint();

  const bootstrap = `127.0.0.1:${ports.unresolvable}`;
  await using supervised = new Supervised([
    aPipeline({ topic, url: endpoint.url, broker: bootstrap }),
  ]);
  const line = await supervised.log.line(/cannot reach broker nowhere\.invalid/, {
    deadlineMs: 60_000,
  });

  assertStringIncludes(
    line,
    `cannot reach broker nowhere.invalid:${ports.unresolvable}: host name not found (ENOTFOUND): ` +
      "the broker advertises this name; correct advertised.listeners of the broker, or have the name resolved here",
  );
  await eventually(
    () => supervised.readiness.some(({ reasons }) => /advertised\.listeners/.test(reasons.join())),
    { what: "that it is a reason for not being ready" },
  );
  const problems = await kafkaListener.check!(
    listenerConfig({ topic, group: topic, keys: { "bootstrap.servers": bootstrap } }),
    { pipeline: "orders", log: new RecordedLog().log },
  );
  assertStringIncludes(problems.join(), "advertised.listeners");
});

/** Ports of a broker at which it advertises itself in different ways. */
class Ports {
  readonly plain = unusedPort();
  readonly ipv6 = unusedPort();
  readonly unresolvable = unusedPort();
  readonly #controller = unusedPort();

  options(): { requireJvm: true; port: number; properties: Record<string, string> } {
    const controller = `127.0.0.1:${this.#controller}`;
    return {
      requireJvm: true,
      port: this.plain,
      properties: {
        "listeners": [
          `PLAINTEXT://127.0.0.1:${this.plain}`,
          `IPV6://[::1]:${this.ipv6}`,
          `UNRESOLVABLE://127.0.0.1:${this.unresolvable}`,
          `CONTROLLER://${controller}`,
        ].join(),
        "advertised.listeners": [
          `PLAINTEXT://127.0.0.1:${this.plain}`,
          `IPV6://[::1]:${this.ipv6}`,
          `UNRESOLVABLE://nowhere.invalid:${this.unresolvable}`,
        ].join(),
        "listener.security.protocol.map":
          "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,IPV6:PLAINTEXT,UNRESOLVABLE:PLAINTEXT",
        "controller.quorum.voters": `1@${controller}`,
      },
    };
  }
}
