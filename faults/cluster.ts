import { setTimeout as sleep } from "node:timers/promises";
import { type Broker, startBroker } from "../tools/kafka/mod.ts";
import { BrokerAdmin } from "./broker_admin.ts";
import type { World } from "./world.ts";
import { freePort } from "../tools/kafka/ports.ts";

/** Of each broker: several share the machine with what is tested. */
const JAVA_OPTIONS = ["-Xmx300m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

const REPLICAS = 3;
const IN_SYNC_DEADLINE_MS = 120_000;
/** Asking takes a connection each time. */
const IN_SYNC_PAUSE_MS = 500;

/** Several brokers, which are their own controllers. Each record stands on three, and is stored when it is on two. */
export class Cluster implements Broker {
  readonly how = "jvm";
  readonly bootstrapServer: string;
  /** That with the identifier 1 comes first. */
  readonly brokers: readonly Broker[];

  private constructor(brokers: readonly Broker[]) {
    this.brokers = brokers;
    this.bootstrapServer = brokers.map(({ bootstrapServer }) => bootstrapServer).join(",");
  }

  static async start(count: number): Promise<Cluster> {
    const ports = freePorts(2 * count);
    const controllers = ports.slice(count);
    const voters = controllers.map((port, index) => `${index + 1}@127.0.0.1:${port}`).join(",");
    const starting = controllers.map((controllerPort, index) => {
      const port = ports[index]!;
      return startBroker({
        port,
        requireJvm: true,
        javaOptions: JAVA_OPTIONS,
        properties: {
          "node.id": `${index + 1}`,
          "controller.quorum.voters": voters,
          listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
          "default.replication.factor": `${REPLICAS}`,
          "min.insync.replicas": "2",
          "offsets.topic.replication.factor": `${REPLICAS}`,
          // Leaders move when a row says so.
          "auto.leader.rebalance.enable": "false",
        },
      });
    });
    try {
      return new Cluster(await Promise.all(starting));
    } catch (error) {
      const ended = starting.map((broker) => broker.then((started) => started.stop()));
      await Promise.allSettled(ended);
      throw error;
    }
  }

  /** The broker with an identifier. */
  broker(id: number): Broker {
    const broker = this.brokers[id - 1];
    if (broker === undefined) throw new RangeError(`there is no broker ${id}`);
    return broker;
  }

  /** Resolves when each partition of a topic has all its replicas again, and the group's offsets, too. */
  async inSync(topic: string): Promise<void> {
    const admin = new BrokerAdmin(this.bootstrapServer);
    const deadline = performance.now() + IN_SYNC_DEADLINE_MS;
    for (;;) {
      const partitions = await admin.replicas([topic, "__consumer_offsets"]);
      const behind = partitions.filter(({ inSync }) => inSync.length < REPLICAS).length;
      if (behind === 0) return;
      if (performance.now() > deadline) {
        throw new Error(`${behind} partitions lack replicas after ${IN_SYNC_DEADLINE_MS} ms`);
      }
      await sleep(IN_SYNC_PAUSE_MS);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.stop()));
  }

  async kill(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.kill()));
  }

  async restart(properties: Record<string, string> = {}): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.restart(properties)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** The cluster of a row whose size asks for one. */
export function clusterOf({ broker }: World): Cluster {
  if (broker instanceof Cluster) return broker;
  throw new TypeError("the row has a single broker: its size has to say how many there are");
}

function freePorts(count: number): number[] {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(freePort());
  return [...ports];
}
