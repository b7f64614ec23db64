import type { Broker } from "./broker.ts";
import { freePort } from "./ports.ts";
import { startBroker } from "./start_broker.ts";
import { createTopics } from "./topics.ts";

/** Of each broker: both share the machine with what is tested. */
const JAVA_OPTIONS = ["-Xmx300m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/**
 * A cluster of two brokers, of which the second may be away: the first is the only controller. What brokers keep of
 * groups is on both of them, and each partition of other topics on one.
 */
export class BrokerPair implements AsyncDisposable {
  readonly first: Broker;
  readonly second: Broker;

  private constructor(first: Broker, second: Broker) {
    this.first = first;
    this.second = second;
  }

  static async start(): Promise<BrokerPair> {
    const [controllerPort, ...ports] = freePorts(3);
    const common = {
      "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
      "offsets.topic.replication.factor": "2",
      "default.replication.factor": "1",
      // Leaders stay where a test has put them.
      "auto.leader.rebalance.enable": "false",
    };
    const listeners = ports.map((port) => `PLAINTEXT://127.0.0.1:${port}`);
    const start = (index: number, properties: Record<string, string>) =>
      startBroker({
        port: ports[index]!,
        requireJvm: true,
        javaOptions: JAVA_OPTIONS,
        properties: { ...common, "node.id": `${index + 1}`, ...properties },
      });
    const starting = [
      start(0, { listeners: `${listeners[0]},CONTROLLER://127.0.0.1:${controllerPort}` }),
      start(1, { listeners: listeners[1]!, "process.roles": "broker" }),
    ];
    try {
      const [first, second] = await Promise.all(starting);
      return new BrokerPair(first!, second!);
    } catch (error) {
      await Promise.allSettled(starting.map((broker) => broker.then((started) => started.stop())));
      throw error;
    }
  }

  /** Both, for `bootstrap.servers`, the one that may be away first. */
  get servers(): string {
    return `${this.second.bootstrapServer},${this.first.bootstrapServer}`;
  }

  /** Creates a topic of a fresh name, whose partitions are led by these brokers, 1 or 2. */
  async freshTopic(prefix: string, leaders: readonly number[]): Promise<string> {
    const topic = `${prefix}-${crypto.randomUUID().slice(0, 8)}`;
    const replicas = leaders.map((leader) => [leader]);
    await createTopics(this.first.bootstrapServer, [{ topic, replicas }]);
    return topic;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.first.stop(), this.second.stop()]);
  }
}

function freePorts(count: number): number[] {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(freePort());
  return [...ports];
}
