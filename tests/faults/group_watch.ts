import { type Admin, Kafka, logLevel } from "kafkajs";
import { patchKafkajs } from "../../src/transports/kafka/client/kafkajs_patches.ts";
import { eventually } from "../support/eventually.ts";
import type { CommitSample } from "./history.ts";

const INTERVAL_MS = 150;
const REQUEST_TIMEOUT_MS = 2000;
const SAMPLE_DEADLINE_MS = 30_000;

/** Looks at what a group has committed, again and again, from its creation to the end of its scope. */
export class GroupWatch implements AsyncDisposable {
  readonly samples: CommitSample[] = [];
  readonly #group: string;
  readonly #topic: string;
  readonly #brokers: string[];
  readonly #watching: Promise<void>;
  #admin: Admin | null = null;
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
    const offsets = this.samples.at(-1)?.offsets.values() ?? [];
    return [...offsets].reduce((sum, offset) => sum + Math.max(offset, 0), 0);
  }

  /** Resolves when it has looked again. */
  async nextSample(): Promise<void> {
    // The next look may have begun already.
    const enough = this.samples.length + 2;
    await eventually(() => this.samples.length >= enough, {
      deadlineMs: SAMPLE_DEADLINE_MS,
      what: `an answer to what group '${this.#group}' has committed`,
    });
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
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
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
    const offsets = new Map(
      found?.partitions
        .map(({ partition, offset }) => [partition, Number(offset)] as const)
        .filter(([, offset]) => offset >= 0),
    );
    // As the broker reckons time, and not evenly as Date.now() does here.
    this.samples.push({ atMs: new Date().getTime(), offsets });
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
