import { type Block, type BlockProblem, valuesOf } from "./block.ts";
import { clientConfig, clientProblems, type KafkaClientConfig } from "./client.ts";
import type { ValuesOf } from "./keys/config_key.ts";
import { CONSUMER_KEYS } from "./keys/consumer.ts";
import type { CONSUMER_BLOCK } from "./keys/mod.ts";

type ConsumerValues = ValuesOf<typeof CONSUMER_KEYS>;

/** The settings of a consumer. */
export type KafkaConsumerConfig =
  & KafkaClientConfig
  & Omit<ConsumerValues, "groupId" | "rebalanceTimeoutMs" | "rackId">
  & {
    readonly groupId: string;
    readonly rebalanceTimeoutMs: number;
    readonly rackId?: string;
  };

/** A parsed `consumerConfig`, with or without problems. */
type ConsumerBlock = Block<typeof CONSUMER_BLOCK.mapped>;

const DEFAULT_REBALANCE_TIMEOUT_MS = 60_000;

/** Bytes of a fetch response in addition to its records, as librdkafka counts them. */
const FETCH_OVERHEAD_BYTES = 512;

/** The settings of a block without problems. */
export function consumerConfig(block: ConsumerBlock): KafkaConsumerConfig {
  const { values } = block;
  const client = clientConfig(block);
  const { rackId, ...own } = valuesOf(values, CONSUMER_KEYS);
  return {
    ...client,
    ...own,
    ...(rackId === undefined ? {} : { rackId }),
    maxResponseBytes: Math.max(client.maxResponseBytes, values.maxBytes + FETCH_OVERHEAD_BYTES),
    groupId: values.groupId ?? "",
    rebalanceTimeoutMs: values.rebalanceTimeoutMs ??
      Math.max(DEFAULT_REBALANCE_TIMEOUT_MS, values.sessionTimeoutMs),
  };
}

/** Missing, useless and conflicting keys of a consumer. */
export function consumerProblems(block: ConsumerBlock): BlockProblem[] {
  const { values, writtenAs } = block;
  const problems = clientProblems(block);
  const refuse = (key: string, refused: string) => problems.push({ key, refused });
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
