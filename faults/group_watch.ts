import { setTimeout as sleep } from "node:timers/promises";
import { type Admin, Kafka, logLevel } from "kafkajs";
import { patchKafkajs } from "../src/transports/kafka/kafkajs/mod.ts";

const INTERVAL_MS = 150;
const REQUEST_TIMEOUT_MS = 2000;

/** Looks at what a group has committed, again and again, from its creation to the end of its scope. */
export class GroupWatch implements AsyncDisposable {
  readonly #group: string;
  readonly #topic: string;
  readonly #brokers: string[];
  readonly #watching: Promise<void>;
  #admin: Admin | null = null;
  #committed = 0;
  #looks = 0;
  #hasEnded = false;

  constructor({ broker, group, topic }: { broker: string; group: string; topic: string }) {
    patchKafkajs();
    this.#group = group;
    this.#topic = topic;
    this.#brokers = broker.split(",");
    this.#watching = this.#watch();
  }

  /** How many events were committed when it looked last. */
  get committed(): number {
    return this.#committed;
  }

  /** How often it has looked. While a broker is away it cannot. */
  get looks(): number {
    return this.#looks;
  }

  /** The identifiers of the group's members: one that has been away gets another. */
  async memberIds(): Promise<string> {
    const admin = this.#newAdmin();
    await admin.connect();
    try {
      await admin.fetchTopicMetadata({ topics: [this.#topic] });
      const { groups } = await admin.describeGroups([this.#group]);
      return groups.flatMap(({ members }) => members.map(({ memberId }) => memberId)).sort().join();
    } finally {
      await admin.disconnect();
    }
  }

  #newAdmin(): Admin {
    const kafka = new Kafka({
      brokers: [...this.#brokers],
      clientId: "faults-watch",
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
      requestTimeout: REQUEST_TIMEOUT_MS,
    });
    return kafka.admin();
  }

  async #watch(): Promise<void> {
    while (!this.#hasEnded) {
      await this.#look().catch(async () => {
        await this.#disconnect();
        // A client without retries asks the first broker only, which may be away.
        this.#brokers.push(...this.#brokers.splice(0, 1));
      });
      await sleep(INTERVAL_MS);
    }
  }

  /** The topic has changed: what is known of its partitions is asked for again. */
  async forgetTopic(): Promise<void> {
    await this.#disconnect();
  }

  async #look(): Promise<void> {
    if (this.#admin === null) {
      this.#admin = this.#newAdmin();
      await this.#admin.connect();
      // Otherwise it knows of no broker that it could ask for the group's coordinator.
      await this.#admin.fetchTopicMetadata({ topics: [this.#topic] });
    }
    const [found] = await this.#admin.fetchOffsets({
      groupId: this.#group,
      topics: [this.#topic],
    });
    const offsets = found?.partitions.map(({ offset }) => Math.max(Number(offset), 0)) ?? [];
    this.#committed = offsets.reduce((sum, offset) => sum + offset, 0);
    this.#looks++;
  }

  async #disconnect(): Promise<void> {
    const admin = this.#admin;
    this.#admin = null;
    await admin?.disconnect().catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hasEnded = true;
    await this.#watching;
    await this.#disconnect();
  }
}
