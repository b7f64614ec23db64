import { type Block, type BlockProblem, readBlock } from "./block.ts";
import { clientConfig, clientProblems, type KafkaClientConfig } from "./client.ts";
import { DEAD_LETTER_BLOCK, PRODUCER_BLOCK } from "./keys/mod.ts";

/** What a producer is told. */
export interface KafkaProducerConfig extends KafkaClientConfig {
  readonly acks: -1 | 1;
  /** How long a broker waits for the others, while `requestTimeoutMs` is how long the client waits for it. */
  readonly requestTimeoutForAcksMs: number;
  readonly retries: number;
  /** A record that takes more is not sent. */
  readonly maxRecordBytes: number;
  /** How long a record waits for others although no request is under way. */
  readonly lingerMs: number;
  /** What a request may hold for one partition. */
  readonly maxBatchBytes: number;
  readonly maxBatchRecords: number;
  readonly compression: "none" | "gzip" | "snappy" | "lz4" | "zstd";
  readonly idempotent: boolean;
}

/** A `producerConfig` as it was read, with or without problems. */
export type ProducerBlock = Block<typeof PRODUCER_BLOCK.mapped>;

/** Reads a `producerConfig`. */
export function readProducerBlock(input: unknown): ProducerBlock {
  return readBlock(input, PRODUCER_BLOCK);
}

/** Reads the `producerConfig` of a `deadLetter`, which has some defaults of its own. */
export function readDeadLetterBlock(input: unknown): ProducerBlock {
  return readBlock(input, DEAD_LETTER_BLOCK);
}

/** What a block without problems says. */
export function producerConfig(block: ProducerBlock): KafkaProducerConfig {
  const { values } = block;
  const client = clientConfig(block);
  return {
    ...client,
    // A client that gave up first would publish again what is about to be stored.
    requestTimeoutMs: Math.max(client.requestTimeoutMs, values.requestTimeoutForAcksMs + 1000),
    maxInFlightRequests: 1,
    acks: values.acks,
    requestTimeoutForAcksMs: values.requestTimeoutForAcksMs,
    retries: values.retries,
    maxRecordBytes: values.maxRecordBytes,
    lingerMs: values.lingerMs,
    maxBatchBytes: values.maxBatchBytes,
    maxBatchRecords: values.maxBatchRecords,
    compression: values.compression,
    idempotent: values.idempotent,
  };
}

/** What is wrong between the keys of a block. */
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

/** What is worth a warning of a block without problems. */
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
