import type { ListenerRole, Permissions, ResultProcessorRole } from "../../transport.ts";
import type { KafkaClientConfig, KafkaListenerConfig, KafkaStoreConfig } from "./config.ts";
import { KAFKAJS_ENVIRONMENT } from "./environment.ts";

/** Reads a topic as a member of a consumer group. */
export const kafkaListener: ListenerRole<KafkaListenerConfig> = {
  resumable: true,
  permissions: ({ consumerConfig }) => clientPermissions(consumerConfig),
  places: ({ topic, consumerConfig }) => places(topic, consumerConfig),
  describe: ({ topic, consumerConfig }) =>
    `kafka topic ${topic} on ${servers(consumerConfig)}, group ${consumerConfig.groupId}`,
  async discover({ consumerConfig }, context) {
    const { discoverBrokers } = await import("./discovery.ts");
    return await discoverBrokers(consumerConfig, context);
  },
  async check({ topic, consumerConfig }, context) {
    const { checkTopic } = await import("./discovery.ts");
    return await checkTopic(topic, consumerConfig, context);
  },
  async open(config, context) {
    const { KafkaListener } = await import("./listener.ts");
    return await KafkaListener.open(config, context);
  },
};

/** Publishes results to a topic. */
export const kafkaResultProcessor: ResultProcessorRole<KafkaStoreConfig> = {
  permissions: ({ producerConfig }) => clientPermissions(producerConfig),
  places: ({ topic, producerConfig }) => places(topic, producerConfig),
  describe: ({ topic, producerConfig }) => `kafka topic ${topic} on ${servers(producerConfig)}`,
  async discover({ producerConfig }, context) {
    const { discoverBrokers } = await import("./discovery.ts");
    return await discoverBrokers(producerConfig, context);
  },
  async check({ topic, producerConfig }, context) {
    const { checkTopic } = await import("./discovery.ts");
    return await checkTopic(topic, producerConfig, context);
  },
  async open(config, context) {
    const { KafkaResultProcessor } = await import("./result_processor.ts");
    return await KafkaResultProcessor.open(config, context);
  },
};

function clientPermissions({ bootstrapServers }: KafkaClientConfig): Permissions {
  return { net: bootstrapServers, env: KAFKAJS_ENVIRONMENT };
}

/** A cluster is known by any of its servers. */
function places(topic: string, { bootstrapServers }: KafkaClientConfig): readonly string[] {
  return bootstrapServers.map((server) => `kafka ${server} ${topic}`);
}

function servers({ bootstrapServers }: KafkaClientConfig): string {
  return bootstrapServers.join(", ");
}
