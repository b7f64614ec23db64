import { type Block, type BlockProblem, readBlock } from "./block.ts";
import { clientConfig, clientProblems, type KafkaClientConfig } from "./client.ts";
import type { AssignmentStrategy } from "./keys/consumer.ts";
import { CONSUMER_BLOCK } from "./keys/mod.ts";

/** The settings of a consumer. */
export interface KafkaConsumerConfig extends KafkaClientConfig {
  readonly groupId: string;
  readonly autoOffsetReset: "earliest" | "latest";
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
  readonly maxWaitTimeMs: number;
  readonly readUncommitted: boolean;
  /** In order of preference. */
  readonly assignmentStrategies: readonly AssignmentStrategy[];
  readonly rackId?: string;
}

/** A parsed `consumerConfig`, with or without problems. */
export type ConsumerBlock = Block<typeof CONSUMER_BLOCK.mapped>;

const DEFAULT_REBALANCE_TIMEOUT_MS = 60_000;

/** Bytes of a fetch response in addition to its records, as librdkafka counts them. */
const FETCH_OVERHEAD_BYTES = 512;

/** Parses a `consumerConfig`. */
export function readConsumerBlock(input: unknown): ConsumerBlock {
  return readBlock(input, CONSUMER_BLOCK);
}

/** The settings of a block without problems. */
export function consumerConfig(block: ConsumerBlock): KafkaConsumerConfig {
  const { values } = block;
  const client = clientConfig(block);
  return {
    ...client,
    maxResponseBytes: Math.max(client.maxResponseBytes, values.maxBytes + FETCH_OVERHEAD_BYTES),
    groupId: values.groupId ?? "",
    autoOffsetReset: values.autoOffsetReset,
    sessionTimeoutMs: values.sessionTimeoutMs,
    heartbeatIntervalMs: values.heartbeatIntervalMs,
    rebalanceTimeoutMs: values.rebalanceTimeoutMs ??
      Math.max(DEFAULT_REBALANCE_TIMEOUT_MS, values.sessionTimeoutMs),
    minBytes: values.minBytes,
    maxBytes: values.maxBytes,
    maxBytesPerPartition: values.maxBytesPerPartition,
    maxWaitTimeMs: values.maxWaitTimeMs,
    readUncommitted: values.readUncommitted,
    assignmentStrategies: values.assignmentStrategies,
    ...(values.rackId === undefined ? {} : { rackId: values.rackId }),
  };
}

/** Missing, useless and conflicting keys of a consumer. */
export function consumerProblems(block: ConsumerBlock): BlockProblem[] {
  const { values, writtenAs } = block;
  const problems = clientProblems(block);
  const refuse = (key: string, refused: string) => problems.push({ key, reading: { refused } });
  if (writtenAs("groupId") === undefined) refuse("group.id", "required");
  if (values.heartbeatIntervalMs >= values.sessionTimeoutMs) {
    refuse(
      "heartbeat.interval.ms",
      `must be less than session.timeout.ms (${values.sessionTimeoutMs})`,
    );
  }
  if ((values.rebalanceTimeoutMs ?? Infinity) < values.sessionTimeoutMs) {
    refuse(
      "max.poll.interval.ms",
      `must not be less than session.timeout.ms (${values.sessionTimeoutMs})`,
    );
  }
  if (values.maxWaitTimeMs >= values.requestTimeoutMs) {
    refuse(
      "fetch.wait.max.ms",
      `must be less than socket.timeout.ms (${values.requestTimeoutMs})`,
    );
  }
  if ((values.maxResponseBytes ?? Infinity) < values.maxBytes + FETCH_OVERHEAD_BYTES) {
    refuse(
      "receive.message.max.bytes",
      `must be at least fetch.max.bytes + ${FETCH_OVERHEAD_BYTES} ` +
        `(${values.maxBytes + FETCH_OVERHEAD_BYTES})`,
    );
  }
  return problems;
}
