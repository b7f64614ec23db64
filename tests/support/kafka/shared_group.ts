import { type Endpoint, startEndpoint } from "../http/endpoint.ts";
import { eventually } from "../eventually.ts";
import type { GroupClient } from "./group_clients.ts";
import { createTopics } from "../../../tools/kafka/mod.ts";
import { BrokerAdmin } from "../../../faults/broker_admin.ts";
import { addPartitions, freshName, produce, testBroker } from "./broker.ts";
import { aPipeline, Supervised } from "../workers/supervised.ts";

const EVENTS_OF_PARTITION = 10;

/** By its next sign of life a member learns that another has come or gone. */
const KEYS = { "heartbeat.interval.ms": 300 };

/** A group of its own, topics that its members read, and the endpoint of those that are pipelines. */
export class SharedGroup implements AsyncDisposable {
  readonly group = freshName("shared");
  readonly endpoint: Endpoint = startEndpoint();
  readonly #broker: string;
  #produced = 0;

  private constructor(broker: string) {
    this.#broker = broker;
  }

  /** @param topics the number of partitions of each topic, by a short name for it */
  static async create(
    topics: Readonly<Record<string, number>>,
    { broker = testBroker() }: { broker?: string } = {},
  ): Promise<SharedGroup> {
    const shared = new SharedGroup(broker);
    await createTopics(
      broker,
      Object.entries(topics).map(([name, partitions]) => ({
        topic: shared.topic(name),
        partitions,
      })),
    );
    return shared;
  }

  topic(name: string): string {
    return `${this.group}-${name}`;
  }

  async createTopic(name: string, partitions: number): Promise<void> {
    await createTopics(this.#broker, [{ topic: this.topic(name), partitions }]);
  }

  async deleteTopic(name: string): Promise<void> {
    await new BrokerAdmin(this.#broker).deleteTopic(this.topic(name));
  }

  async addPartitions(name: string, count: number): Promise<void> {
    await addPartitions(this.topic(name), count);
  }

  /** Pipelines of one process, one for each of the topics. They end with their scope. */
  pipelines(names: readonly string[], keys: Readonly<Record<string, unknown>> = {}): Supervised {
    return new Supervised(names.map((name) =>
      aPipeline({
        name,
        topic: this.topic(name),
        group: this.group,
        url: this.endpoint.url,
        broker: this.#broker,
        keys: { ...KEYS, "metadata.max.age.ms": 2000, ...keys },
      })
    ));
  }

  /** Produces events into each partition, and resolves once pipelines or clients have read them all. */
  async allRead(
    topics: Readonly<Record<string, number>>,
    clients: readonly GroupClient[] = [],
  ): Promise<void> {
    const expected = new Set<string>();
    for (const [name, partitions] of Object.entries(topics)) {
      const records = Array.from({ length: partitions * EVENTS_OF_PARTITION }, (_, index) => {
        const partition = index % partitions;
        return { partition, value: `${name}[${partition}] ${this.#produced++}` };
      });
      records.forEach(({ value }) => expected.add(value));
      await produce(this.topic(name), records, { broker: this.#broker });
    }
    const decoder = new TextDecoder();
    const unread = () => {
      const handled = this.endpoint.calls.map(({ body }) => decoder.decode(body));
      return expected.difference(new Set([...handled, ...clients.flatMap(({ values }) => values)]));
    };
    await eventually(() => unread().size === 0, {
      deadlineMs: 45_000,
      what: () => `all ${expected.size} events to be read, without ${[...unread()].join(", ")}`,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endpoint[Symbol.asyncDispose]();
  }
}
