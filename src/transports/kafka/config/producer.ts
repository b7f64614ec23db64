import { type Block, type BlockProblem, readBlock, valuesOf } from "./block.ts";
import { clientConfig, clientProblems, type KafkaClientConfig } from "./client.ts";
import type { ValuesOf } from "./keys/config_key.ts";
import { DEAD_LETTER_BLOCK, PRODUCER_BLOCK } from "./keys/mod.ts";
import { PRODUCER_KEYS } from "./keys/producer.ts";

/** The settings of a producer. */
export type KafkaProducerConfig = KafkaClientConfig & ValuesOf<typeof PRODUCER_KEYS>;

/** A parsed `producerConfig`, with or without problems. */
export type ProducerBlock = Block<typeof PRODUCER_BLOCK.mapped>;

/** Parses a `producerConfig`. */
export function readProducerBlock(input: unknown): ProducerBlock {
  return readBlock(input, PRODUCER_BLOCK);
}

/** Parses the `producerConfig` of a `deadLetter`, which has some defaults of its own. */
export function readDeadLetterBlock(input: unknown): ProducerBlock {
  return readBlock(input, DEAD_LETTER_BLOCK);
}

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
    problems.push({ key: "acks", reading: { refused: "enable.idempotence needs all" } });
  }
  if (idempotent && retries === 0) {
    problems.push({ key: "retries", reading: { refused: "enable.idempotence needs 1 or more" } });
  }
  return problems;
}

/** Valid settings that risk results, or that eventor overrides. */
export function producerWarnings({ values, writtenAs }: ProducerBlock): string[] {
  const warnings: string[] = [];
  if (values.acks === 1) {
    warnings.push("acks 1 loses a result when the broker that stored it fails: write all");
  }
  const limit = writtenAs("maxInFlightRequests");
  if (limit !== undefined && values.maxInFlightRequests !== 1) {
    warnings.push(`${limit} is 1 in eventor's producers: what comes meanwhile shares a request`);
  }
  return warnings;
}
