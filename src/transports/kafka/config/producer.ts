import { type Block, type BlockProblem, valuesOf } from "./block.ts";
import { clientConfig, clientProblems, clientWarnings, type KafkaClientConfig } from "./client.ts";
import type { ValuesOf } from "./keys/config_key.ts";
import type { PRODUCER_BLOCK } from "./keys/mod.ts";
import { PRODUCER_KEYS } from "./keys/producer.ts";

/** The settings of a producer. */
export type KafkaProducerConfig = KafkaClientConfig & ValuesOf<typeof PRODUCER_KEYS>;

/** A parsed `producerConfig`, with or without problems. */
type ProducerBlock = Block<typeof PRODUCER_BLOCK.mapped>;

/** The settings of a block without problems. */
export function producerConfig(block: ProducerBlock): KafkaProducerConfig {
  const { values } = block;
  const client = clientConfig(block);
  return {
    ...client,
    ...valuesOf(values, PRODUCER_KEYS),
    // A client that gave up before the broker would publish again what is about to be stored.
    requestTimeoutMs: Math.max(client.requestTimeoutMs, values.requestTimeoutForAcksMs + 1000),
    maxInFlightRequests: 1,
  };
}

/** Missing, useless and conflicting keys of a producer. */
export function producerProblems(block: ProducerBlock): BlockProblem[] {
  const problems = clientProblems(block);
  const { acks, retries, idempotent } = block.values;
  if (idempotent && acks !== -1) {
    problems.push({ key: "acks", refused: "enable.idempotence needs all" });
  }
  if (idempotent && retries === 0) {
    problems.push({ key: "retries", refused: "enable.idempotence needs 1 or more" });
  }
  return problems;
}

/** The warnings of the client, and about settings that risk results or that eventor overrides. */
export function producerWarnings(block: ProducerBlock): string[] {
  const { values, writtenAs } = block;
  const warnings = clientWarnings(block);
  if (values.acks === 1) {
    warnings.push("acks 1 loses a result when the broker that stored it fails: write all");
  }
  const limit = writtenAs("maxInFlightRequests");
  if (limit !== undefined && values.maxInFlightRequests !== 1) {
    warnings.push(`${limit} is 1 in eventor's producers: what comes meanwhile shares a request`);
  }
  return warnings;
}
