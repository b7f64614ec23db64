import type { Consumer } from "kafkajs";
import type { Health } from "../../../core/health.ts";
import type { Logger } from "../../../core/log.ts";
import { createKafka, retryOptions } from "../client/client.ts";
import type { KafkaListenerConfig } from "../config/mod.ts";
import { createAssigners } from "./assignment/assigners.ts";
import { LedTopics } from "./assignment/led_topics.ts";
import { shownPartitions } from "./shown_partitions.ts";

/**
 * A member that joins anew after an outage waits until the session of its former self has run out, so the consumer
 * outlasts an outage of about a session, and looks often enough to be back soon after it.
 */
const PATIENCE = { retries: 10, maxRetryTime: 5000 };

/** Whom a consumer tells what becomes of it. */
export interface ConsumerObserver {
  readonly log: Logger;
  readonly health: Health | undefined;
  /** Called with its partitions whenever it has joined the group. */
  onJoin(partitions: readonly number[]): void;
  /** Called when it cannot go on here. A crash, its member learns of. */
  onFailure(error: Error): void;
}

/** The consumer of a group, which gets partitions and gives them up. */
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
  const ledTopics = new LedTopics({ groupId, metadataMaxAgeMs, log, health });
  const consumer = kafka.consumer({
    groupId,
    partitionAssigners: createAssigners(assignmentStrategies, { ledTopics, log }),
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
    // A consumer that cannot go on must not come back by itself, unseen: the listener ends with it.
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
