import { type Admin, type ConfigResourceTypes, Kafka, logLevel } from "kafkajs";
import { array, int32, int8, type Reader, request, string } from "../tools/kafka/protocol.ts";

const DEADLINE_MS = 20_000;
const TOPIC: ConfigResourceTypes.TOPIC = 2;
/** The broker's clock says when a record was stored. */
const TOPIC_CONFIG = { "message.timestamp.type": "LogAppendTime" };

/** The offsets that a partition has at some moment. */
export interface PartitionEnds {
  readonly partition: number;
  /** That of the first record. */
  readonly low: number;
  /** That of the next record. */
  readonly high: number;
}

/** Where a partition stands. */
export interface PartitionReplicas {
  readonly partition: number;
  readonly leader: number;
  /** The preferred leader comes first. */
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
}

/** What an operator does with a cluster, to make things difficult. Each call connects, and closes its connections. */
export class BrokerAdmin {
  readonly #brokers: readonly string[];

  /** @param brokers `host:port`, or several with commas between them */
  constructor(brokers: string) {
    this.#brokers = brokers.split(",");
  }

  /** As which the brokers know themselves, `host:port`. */
  async addresses(): Promise<string[]> {
    const { brokers } = await this.#do((admin) => admin.describeCluster());
    return brokers.map(({ host, port }) => `${host}:${port}`);
  }

  async addPartitions(topic: string, count: number): Promise<void> {
    await this.#do((admin) => admin.createPartitions({ topicPartitions: [{ topic, count }] }));
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.#do((admin) => admin.deleteTopics({ topics: [topic] }));
  }

  /** Of each partition, in order. */
  async ends(topic: string): Promise<PartitionEnds[]> {
    const ends = await this.#do((admin) => admin.fetchTopicOffsets(topic));
    return ends
      .map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }))
      .toSorted((a, b) => a.partition - b.partition);
  }

  /** Has a topic begin at these offsets, as retention does. */
  async deleteRecords(
    topic: string,
    before: readonly { readonly partition: number; readonly offset: number }[],
  ): Promise<void> {
    const partitions = before.map(({ partition, offset }) => ({ partition, offset: `${offset}` }));
    await this.#do(async (admin) => {
      // Otherwise it does not know whom to ask.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions });
    });
  }

  /** Has records of a topic stored on so many replicas before they count as stored. */
  async requireReplicas(topic: string, count: number): Promise<void> {
    const config = { ...TOPIC_CONFIG, "min.insync.replicas": `${count}` };
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    await this.#do((admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: TOPIC, name: topic, configEntries }],
      })
    );
  }

  /** Of each partition of these topics, in order. */
  async replicas(names: readonly string[]): Promise<PartitionReplicas[]> {
    const { topics } = await this.#do((admin) => admin.fetchTopicMetadata({ topics: [...names] }));
    return topics.flatMap(({ partitions }) => partitions)
      .map(({ partitionId, leader, replicas, isr }) => ({
        partition: partitionId,
        leader,
        replicas,
        inSync: isr,
      }))
      .toSorted((a, b) => a.partition - b.partition);
  }

  /** Which broker a group asks. */
  async coordinator(group: string): Promise<number> {
    const response = await this.#request({ key: 10, version: 1 }, [string(group), int8(0)]);
    response.int32(); // throttle time
    const code = response.int16();
    response.string(); // message
    if (code !== 0) throw new Error(`no coordinator of group '${group}': error code ${code}`);
    return response.int32();
  }

  /** Makes the next one of each partition's replicas its leader. */
  async moveLeaders(topic: string): Promise<void> {
    const moved = (await this.replicas([topic])).map(({ partition, leader, replicas }) => {
      const at = replicas.indexOf(leader) + 1;
      return { partition, replicas: [...replicas.slice(at), ...replicas.slice(0, at)] };
    });
    await this.#do((admin) =>
      admin.alterPartitionReassignments({
        topics: [{ topic, partitionAssignment: moved }],
        timeout: DEADLINE_MS,
      })
    );
    const response = await this.#request({ key: 43, version: 1 }, [
      int8(0), // the preferred ones
      array([topic], (name) => [
        string(name),
        array(moved, ({ partition }) => [int32(partition)]),
      ]),
      int32(DEADLINE_MS),
    ]);
    response.int32(); // throttle time
    const code = response.int16();
    if (code !== 0) throw new Error(`no leaders elected for '${topic}': error code ${code}`);
  }

  /** Bounds what clients of this `client.id` may send and get, each; null lifts the bound. */
  async setQuota(clientId: string, bytesPerSecond: number | null): Promise<void> {
    const response = await this.#request({ key: 49, version: 0 }, [
      array([clientId], (name) => [
        array([name], () => [string("client-id"), string(name)]),
        array(["producer_byte_rate", "consumer_byte_rate"], (rate) => [
          string(rate),
          float64(bytesPerSecond ?? 0),
          int8(bytesPerSecond === null ? 1 : 0), // whether it is removed
        ]),
      ]),
      int8(0), // not only validated
    ]);
    response.int32(); // throttle time
    response.int32(); // entries
    const code = response.int16();
    if (code !== 0) throw new Error(`no quota for '${clientId}': ${response.string()}`);
  }

  async #request(
    api: { key: number; version: number },
    body: Uint8Array[],
  ): Promise<Reader> {
    let problem: unknown;
    for (const broker of this.#brokers) {
      try {
        return await request(broker, { ...api, deadlineMs: DEADLINE_MS }, body);
      } catch (error) {
        // Another one may be up.
        problem = error;
      }
    }
    throw problem;
  }

  async #do<Result>(action: (admin: Admin) => Promise<Result>): Promise<Result> {
    const kafka = new Kafka({
      brokers: [...this.#brokers],
      clientId: "faults-admin",
      logLevel: logLevel.NOTHING,
    });
    const admin = kafka.admin();
    await admin.connect();
    try {
      return await action(admin);
    } finally {
      await admin.disconnect();
    }
  }
}

function float64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytes;
}
