/** A Kafka broker for development and tests, and the topics on it. */
export type { Broker } from "./broker.ts";
export { BrokerPair } from "./broker_pair.ts";
export { BrokerUnavailableError } from "./java.ts";
export { type BrokerOptions, DEFAULT_PORT, startBroker } from "./start_broker.ts";
export { createTopics, type NewTopic } from "./topics.ts";
