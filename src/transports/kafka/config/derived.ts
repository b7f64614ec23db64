import type { KafkaClientConfig, KafkaConsumerConfig, KafkaProducerConfig } from "./mod.ts";

// A topic that is configured for one direction is used in the other. The connection settings stay; users cannot set
// the rest.

/** The settings to read a topic that is configured for writing. */
export function consumerConfigOf(
  producerConfig: KafkaProducerConfig,
  { groupId }: { groupId: string },
): KafkaConsumerConfig {
  return {
    ...clientConfigOf(producerConfig),
    maxInFlightRequests: 1_000_000,
    groupId,
    autoOffsetReset: "earliest",
    // The next reader waits this long after one was killed.
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

/** The settings to write to a topic that is configured for reading. */
export function producerConfigOf(consumerConfig: KafkaConsumerConfig): KafkaProducerConfig {
  const client = clientConfigOf(consumerConfig);
  const requestTimeoutForAcksMs = 5000;
  return {
    ...client,
    requestTimeoutMs: Math.max(client.requestTimeoutMs, requestTimeoutForAcksMs + 1000),
    acks: -1,
    requestTimeoutForAcksMs,
    retries: 3,
    // Only the topic's own limit counts: it has held these records before.
    maxRecordBytes: 1_000_000_000,
    lingerMs: 0,
    maxBatchBytes: 1_000_000,
    maxBatchRecords: 10_000,
    // Uncompressed, a record that came compressed may be too large for the topic. Every client reads gzip.
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
