import {
  type KafkaListenerConfig,
  kafkaListenerSchema,
  type KafkaResultProcessorConfig,
  kafkaResultProcessorSchema,
} from "../../../src/transports/kafka/config/mod.ts";
import { testBroker } from "./broker.ts";

/** A listener of the test broker that starts at the topic's first event; `keys` are librdkafka's. */
export function listenerConfig(
  { topic, group, keys = {} }: { topic: string; group: string; keys?: Record<string, unknown> },
): KafkaListenerConfig {
  return kafkaListenerSchema.parse({
    type: "kafka",
    topic,
    consumerConfig: {
      "bootstrap.servers": testBroker(),
      "group.id": group,
      "auto.offset.reset": "earliest",
      ...keys,
    },
  });
}

/** A result processor of the test broker; `keys` are librdkafka's. */
export function resultProcessorConfig(
  { topic, keys = {} }: { topic: string; keys?: Record<string, unknown> },
): KafkaResultProcessorConfig {
  return kafkaResultProcessorSchema.parse({
    type: "kafka",
    topic,
    when: ["onSuccess"],
    producerConfig: { "bootstrap.servers": testBroker(), ...keys },
  });
}
