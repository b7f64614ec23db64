import type { Kafka } from "kafkajs";
import { hostAndPort, isHost } from "../../core/host.ts";
import type { Discovery, RoleContext } from "../../core/transport.ts";
import { createKafka, requireTopic } from "./kafkajs/client.ts";
import { clientFailure } from "./client/client_failure.ts";
import type { KafkaClientConfig } from "./config/mod.ts";
import { destinationsByCluster } from "./destinations.ts";

/** Looks up a cluster's advertised brokers, and its id, which identifies topics. Connects to bootstrap servers only. */
export async function discoverCluster(
  topics: readonly string[],
  config: KafkaClientConfig,
  { log }: RoleContext,
): Promise<Discovery> {
  const admin = createKafka(config, { log, onlyBootstrapServers: true }).admin();
  try {
    await admin.connect();
    const { brokers, clusterId } = await admin.describeCluster();
    const hosts = brokers.map(toHost);
    const cluster = { clusterId, brokers: hosts };
    return {
      hosts,
      destinations: topics.flatMap((topic) => destinationsByCluster(topic, cluster)),
    };
  } catch (error) {
    const servers = config.bootstrapServers.join(", ");
    throw clientFailure(`cannot reach brokers ${servers}`, error);
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

/** An advertised broker as `host:port`. It becomes a permission of the sandbox, so it must name exactly one host. */
function toHost({ host, port }: { host: string; port: number }): string {
  const name = hostAndPort(host.toLowerCase(), port);
  if (!isHost(name.slice(0, name.lastIndexOf(":")))) {
    throw new Error(`a broker advertises '${host}', which is not the name of a host`);
  }
  return name;
}

/** Problems with brokers or the topic, one sentence each. */
export async function checkTopic(
  topic: string,
  config: KafkaClientConfig,
  { log }: RoleContext,
): Promise<string[]> {
  const kafka: Kafka = createKafka(config, { log });
  try {
    await requireTopic(kafka, topic, config);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}
