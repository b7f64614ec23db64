import type { ListenerRole, Permissions, ResultProcessorRole } from "../../core/transport.ts";
import type { KafkaClientConfig, KafkaListenerConfig, KafkaStoreConfig } from "./config/mod.ts";
import { producerConfigOf } from "./config/derived.ts";
import { hostOf } from "../http1/server.ts";
import { destinationsByServers } from "./destinations.ts";
import { RecordOrigin } from "./consumer/record_origin.ts";

/** Environment variables that kafkajs reads when it is loaded; the sandbox allows them. */
export const KAFKAJS_ENVIRONMENT = [
  "KAFKAJS_DEBUG_EXTENDED_PROTOCOL_BUFFERS",
  "KAFKAJS_DEBUG_PROTOCOL_BUFFERS",
  "KAFKAJS_LOG_LEVEL",
  "KAFKAJS_NO_PARTITIONER_WARNING",
  "NODE_ENV",
];

/** Reads a topic as a member of a consumer group. */
export const kafkaListener: ListenerRole<KafkaListenerConfig> = {
  promises: {
    resumable: true,
    acknowledges: "cumulative",
    keepsOrder: true,
    identifies: true,
  },
  facts: RecordOrigin.facts,
  firstOrigin: ({ topic }, timestampMs) => new RecordOrigin(topic, 0, 0, timestampMs),
  permissions: ({ consumerConfig }) => clientPermissions(consumerConfig),
  destinations: ({ topic, consumerConfig }) =>
    destinationsByServers(topic, consumerConfig.bootstrapServers),
  readers: ({ topic, consumerConfig: { bootstrapServers, groupId } }) =>
    destinationsByServers(topic, bootstrapServers).map((destination) =>
      `${destination} in group ${groupId}`
    ),
  describe: ({ topic, consumerConfig }) =>
    `kafka topic ${topic} on ${servers(consumerConfig)}, group ${consumerConfig.groupId}`,
  async discover({ topic, consumerConfig }, context) {
    const { discoverCluster } = await import("./discovery.ts");
    return await discoverCluster([topic], consumerConfig, context);
  },
  async check({ topic, consumerConfig }, context) {
    const { checkTopic } = await import("./discovery.ts");
    return await checkTopic(topic, consumerConfig, context);
  },
  async open(config, context) {
    const { KafkaListener } = await import("./consumer/listener.ts");
    return await KafkaListener.open(config, context);
  },
  async writeBack({ topic, consumerConfig }, context) {
    const { KafkaResultProcessor } = await import("./producer/result_processor.ts");
    const config = {
      type: "kafka",
      topic,
      producerConfig: producerConfigOf(consumerConfig),
    } as const;
    return await KafkaResultProcessor.open(config, context);
  },
};

/** Publishes results to a topic, or to one of several. */
export const kafkaResultProcessor: ResultProcessorRole<KafkaStoreConfig> = {
  permissions: ({ producerConfig }) => clientPermissions(producerConfig),
  destinations: (config) =>
    topicsOf(config).flatMap((topic) =>
      destinationsByServers(topic, config.producerConfig.bootstrapServers)
    ),
  describe: (config) =>
    `kafka topic ${topicsOf(config).join(" or ")} on ${servers(config.producerConfig)}`,
  async discover(config, context) {
    const { discoverCluster } = await import("./discovery.ts");
    return await discoverCluster(topicsOf(config), config.producerConfig, context);
  },
  async check(config, context) {
    const { checkTopic } = await import("./discovery.ts");
    const checks = topicsOf(config).map((topic) =>
      checkTopic(topic, config.producerConfig, context)
    );
    return (await Promise.all(checks)).flat();
  },
  async open(config, context) {
    const { KafkaResultProcessor } = await import("./producer/result_processor.ts");
    if (config.topics === undefined) return await KafkaResultProcessor.open(config, context);
    const { TopicRouter } = await import("./producer/topic_router.ts");
    const { producerConfig } = config;
    return await TopicRouter.open(
      config.topics,
      (topic) => KafkaResultProcessor.open({ type: "kafka", topic, producerConfig }, context),
    );
  },
  async readBack(config, context) {
    const { StoredRecords } = await import("./consumer/stored_records.ts");
    return await StoredRecords.open(config, context);
  },
};

function topicsOf({ topic, topics = [topic] }: KafkaStoreConfig): readonly string[] {
  return topics;
}

function clientPermissions({ bootstrapServers, sasl }: KafkaClientConfig): Permissions {
  const tokenHosts = sasl?.mechanism === "oauthbearer" ? [hostOf(sasl.token.tokenEndpoint)] : [];
  return { net: [...bootstrapServers, ...tokenHosts], env: KAFKAJS_ENVIRONMENT };
}

function servers({ bootstrapServers }: KafkaClientConfig): string {
  return bootstrapServers.join(", ");
}
