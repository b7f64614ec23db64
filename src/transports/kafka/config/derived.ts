import type { KafkaClientConfig, KafkaConsumerConfig, KafkaProducerConfig } from "./mod.ts";

// A topic that is configured for one direction is used in the other: how to reach its brokers is known, and the rest is
// not for the user to say.

/** How to read a topic that is configured to be written to. */
export function consumerConfigOf(
  producerConfig: KafkaProducerConfig,
  { groupId }: { groupId: string },
): KafkaConsumerConfig {
  return {
    ...clientConfigOf(producerConfig),
    maxInFlightRequests: 1_000_000,
    groupId,
    autoOffsetReset: "earliest",
    // Whoever comes after a reader that was killed waits for so long.
    sessionTimeoutMs: 10_000,
    heartbeatIntervalMs: 2000,
    rebalanceTimeoutMs: 60_000,
    minBytes: 1,
    maxBytes: 10_485_760,
    maxBytesPerPartition: 262_144,
    maxWaitTimeMs: 500,
    readUncommitted: false,
    assignmentStrategies: ["range", "roundrobin"],
  };
}

/** How to write to a topic that is configured to be read. */
export function producerConfigOf(consumerConfig: KafkaConsumerConfig): KafkaProducerConfig {
  const client = clientConfigOf(consumerConfig);
  const requestTimeoutForAcksMs = 5000;
  return {
    ...client,
    requestTimeoutMs: Math.max(client.requestTimeoutMs, requestTimeoutForAcksMs + 1000),
    acks: -1,
    requestTimeoutForAcksMs,
    retries: 3,
    // Only the topic knows: it has had these records before.
    maxRecordBytes: 1_000_000_000,
    lingerMs: 0,
    maxBatchBytes: 1_000_000,
    maxBatchRecords: 10_000,
    // What was compressed when it came may be too large for the topic otherwise; and every client reads it.
    compression: "gzip",
    idempotent: false,
  };
}

function clientConfigOf(config: KafkaClientConfig): KafkaClientConfig {
  const { bootstrapServers, clientId, tls, sasl, connectionTimeoutMs, requestTimeoutMs } = config;
  const { metadataMaxAgeMs, reconnectBackoffMs, reconnectBackoffMaxMs, maxResponseBytes } = config;
  return {
    bootstrapServers,
    clientId,
    tls,
    sasl,
    connectionTimeoutMs,
    requestTimeoutMs,
    metadataMaxAgeMs,
    reconnectBackoffMs,
    reconnectBackoffMaxMs,
    maxResponseBytes,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
  };
}
