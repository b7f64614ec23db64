import type { Consumer } from "kafkajs";
import type { Health } from "../../../core/health.ts";
import type { Logger } from "../../../core/log.ts";
import { createKafka, retryOptions } from "../kafkajs/client.ts";
import type { KafkaListenerConfig } from "../config/mod.ts";
import { createAssigners } from "./assignment/assigners.ts";
import { shownPartitions } from "./shown_partitions.ts";

/**
 * After an outage, a rejoin waits until the session of the former membership has timed out. So retries outlast about a
 * session, and pauses are short enough to be back soon after.
 */
const PATIENCE = { retries: 10, maxRetryTime: 5000 };

/** Who is informed of a consumer's joins and failures. */
export interface ConsumerObserver {
  readonly log: Logger;
  readonly health: Health | undefined;
  /** Called after each join with the assigned partitions. */
  onJoin(partitions: readonly number[]): void;
  /** Called when the consumer cannot continue in this sandbox. Crashes are reported to its `GroupMember`. */
  onFailure(error: Error): void;
}

/** Creates the kafkajs consumer of a group member. */
export function createGroupConsumer(
  { topic, consumerConfig: config }: KafkaListenerConfig,
  { log, health, onJoin, onFailure }: ConsumerObserver,
): Consumer {
  const retry = { ...retryOptions(config), ...PATIENCE };
  const kafka = createKafka(config, {
    log,
    health,
    retry,
    onUngrantedBroker: (broker) =>
      onFailure(new Error(`broker ${broker} is new and not among the hosts it may reach yet`)),
  });
  const { groupId, metadataMaxAgeMs, assignmentStrategies } = config;
  const consumer = kafka.consumer({
    groupId,
    partitionAssigners: createAssigners(assignmentStrategies),
    allowAutoTopicCreation: config.allowAutoTopicCreation,
    maxInFlightRequests: config.maxInFlightRequests,
    sessionTimeout: config.sessionTimeoutMs,
    heartbeatInterval: config.heartbeatIntervalMs,
    rebalanceTimeout: config.rebalanceTimeoutMs,
    minBytes: config.minBytes,
    maxBytes: config.maxBytes,
    maxBytesPerPartition: config.maxBytesPerPartition,
    maxWaitTimeInMs: config.maxWaitTimeMs,
    metadataMaxAge: metadataMaxAgeMs,
    readUncommitted: config.readUncommitted,
    ...(config.rackId === undefined ? {} : { rackId: config.rackId }),
    // A crashed consumer must not restart silently: the listener ends with it.
    retry: { ...retry, restartOnFailure: () => Promise.resolve(false) },
  });
  consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment } }) => {
    const partitions = memberAssignment[topic] ?? [];
    log.info(
      `joined group '${groupId}': partitions ${shownPartitions(partitions)} of ${topic}`,
    );
    onJoin(partitions);
  });
  return consumer;
}
