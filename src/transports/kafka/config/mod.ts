import { z } from "zod";
import { isMapping } from "../../../config/document.ts";
import { textOf, toSchema } from "../../../config/scalar.ts";
import {
  type FileKey,
  section,
  SECTION_EXTRAS,
  type SectionExtras,
} from "../../../config/section.ts";
import { whenSchema } from "../../../config/when.ts";
import { recordTemplateKeys, recordTemplates } from "../../../config/record_templates.ts";
import { TemplateText } from "../../../config/template_text.ts";
import type { When } from "../../../core/handler.ts";
import type { RecordTemplates } from "../../../core/record_templates.ts";
import type { Template } from "../../../core/template.ts";
import { type Block, blockJsonSchema, type BlockProblem, readBlock } from "./block.ts";
import { clientConfig, clientProblems, clientWarnings, type KafkaClientConfig } from "./client.ts";
import {
  CONSUMER_BLOCK,
  KEYS_OF_BOTH,
  KEYS_OF_CONSUMER,
  KEYS_OF_PRODUCER,
  PRODUCER_BLOCK,
} from "./keys/mod.ts";
import { PLATFORM_ROOTS } from "./keys/security.ts";
import { concealBlock } from "./concealed.ts";
import { keyTable } from "./tables.ts";

export type { KafkaClientConfig } from "./client.ts";
export type { KafkaSaslConfig } from "./sasl.ts";
export type { KafkaTlsConfig } from "./tls.ts";

/** What a consumer is told. */
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
  readonly rackId?: string;
}

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

/** Events from a topic. */
export interface KafkaListenerConfig {
  readonly type: "kafka";
  readonly topic: string;
  readonly consumerConfig: KafkaConsumerConfig;
}

/** Records onto a topic. */
export interface KafkaStoreConfig {
  readonly type: "kafka";
  readonly topic: string;
  /** All topics, `topic` included, when each record says which one of them is its own. */
  readonly topics?: readonly string[];
  readonly producerConfig: KafkaProducerConfig;
}

/** Results onto topics, and which ones. */
export type KafkaResultProcessorConfig = KafkaStoreConfig & {
  readonly when: readonly When[];
  readonly templates?: RecordTemplates;
};

type ConsumerBlock = Block<typeof CONSUMER_BLOCK.mapped>;
type ProducerBlock = Block<typeof PRODUCER_BLOCK.mapped>;

const DEFAULT_REBALANCE_TIMEOUT_MS = 60_000;

const topicScalar = textOf(
  "a Kafka topic: 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-'",
  {
    json: { maxLength: 249 },
    check: (name) => /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/.test(name) ? name : undefined,
  },
);

const topic = toSchema(topicScalar);

/** A topic, or a template of one. */
const resultTopic = toSchema<string | Template>({
  ...topicScalar,
  read: (input) =>
    input instanceof TemplateText ? { value: input.template } : topicScalar.read(input),
});

/** Reads the `eventListener` section of type `kafka`. */
export const kafkaListenerSchema: z.ZodType<KafkaListenerConfig> = section({
  type: z.literal("kafka").describe("Reads events from a Kafka topic"),
  topic: topic.describe("The topic that events come from"),
  consumerConfig: blockSchema({
    read: readConsumerBlock,
    problemsOf: consumerProblems,
    configOf: consumerConfig,
  }).meta(blockJsonSchema(CONSUMER_BLOCK)).describe("Keys of librdkafka"),
}).register(SECTION_EXTRAS, {
  files: fileKeys("consumerConfig"),
  conceal: concealBlock("consumerConfig"),
  tables: [
    keyTable("Keys of both `consumerConfig` and `producerConfig`", KEYS_OF_BOTH),
    keyTable("Keys of `consumerConfig` alone", KEYS_OF_CONSUMER),
  ],
  warnings: (listener) =>
    blockWarnings(readConsumerBlock(Reflect.get(Object(listener), "consumerConfig"))),
});

const producerConfigSchema = blockSchema({
  read: readProducerBlock,
  problemsOf: producerProblems,
  configOf: producerConfig,
}).meta(blockJsonSchema(PRODUCER_BLOCK)).describe("Keys of librdkafka");

const PRODUCER_EXTRAS: SectionExtras = {
  files: fileKeys("producerConfig"),
  conceal: concealBlock("producerConfig"),
  warnings(section) {
    const block = readProducerBlock(Reflect.get(Object(section), "producerConfig"));
    return [...blockWarnings(block), ...producerWarnings(block)];
  },
};

/** Reads the `eventResultProcessor` section of type `kafka`. */
export const kafkaResultProcessorSchema: z.ZodType<KafkaResultProcessorConfig> = section({
  type: z.literal("kafka").describe("Publishes results onto a Kafka topic"),
  topic: resultTopic.describe("The topic that results are sent to; it may hold templates"),
  topics: z.array(topic).min(1).optional().describe(
    "All topics that a `topic` with templates may come to",
  ),
  when: whenSchema,
  ...recordTemplateKeys,
  producerConfig: producerConfigSchema,
}).superRefine(({ topic, topics }, context) => {
  const isTemplate = typeof topic === "object";
  if (isTemplate === (topics !== undefined)) return;
  const refused = isTemplate
    ? "required, as 'topic' holds templates: list all topics that it may come to"
    : "goes with a 'topic' that holds templates only";
  context.addIssue({ code: "custom", path: ["topics"], params: { refused } });
}).transform(({ topic, topics = [], key, headers, ...others }) => {
  if (typeof topic === "string") {
    return { ...others, topic, ...recordTemplates({ key, headers }) };
  }
  const templates = recordTemplates({ key, headers, topic: { template: topic, allowed: topics } });
  return { ...others, topic: topics[0] ?? "", topics, ...templates };
}).register(SECTION_EXTRAS, {
  ...PRODUCER_EXTRAS,
  tables: [keyTable("Keys of `producerConfig` alone", KEYS_OF_PRODUCER)],
});

/** Reads the `deadLetter` section of type `kafka`. */
export const kafkaDeadLetterSchema: z.ZodType<KafkaStoreConfig> = section({
  type: z.literal("kafka").describe("Publishes dead letters onto a Kafka topic"),
  topic: topic.describe("The topic that dead letters are sent to"),
  producerConfig: producerConfigSchema,
}).register(SECTION_EXTRAS, PRODUCER_EXTRAS);

function readConsumerBlock(input: unknown): ConsumerBlock {
  return readBlock(input, CONSUMER_BLOCK);
}

function readProducerBlock(input: unknown): ProducerBlock {
  return readBlock(input, PRODUCER_BLOCK);
}

function consumerConfig(block: ConsumerBlock): KafkaConsumerConfig {
  const { values } = block;
  return {
    ...clientConfig(block),
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
    ...(values.rackId === undefined ? {} : { rackId: values.rackId }),
  };
}

function consumerProblems(block: ConsumerBlock): BlockProblem[] {
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
  return problems;
}

function producerConfig(block: ProducerBlock): KafkaProducerConfig {
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

function producerProblems(block: ProducerBlock): BlockProblem[] {
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

function producerWarnings({ values, writtenAs }: ProducerBlock): string[] {
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

function blockWarnings(block: ConsumerBlock | ProducerBlock): string[] {
  return [...block.warnings, ...clientWarnings(block)];
}

function blockSchema<SomeBlock extends { readonly problems: readonly BlockProblem[] }, Config>(
  { read, problemsOf, configOf }: {
    read(input: unknown): SomeBlock;
    problemsOf(block: SomeBlock): readonly BlockProblem[];
    configOf(block: SomeBlock): Config;
  },
) {
  return z.unknown().transform((input, context): Config => {
    const block = read(input);
    const problems = isMapping(input) ? [...block.problems, ...problemsOf(block)] : block.problems;
    for (const { key, reading } of problems) {
      const path = key === undefined ? [] : [key];
      context.addIssue({ code: "custom", path, params: reading });
    }
    return problems.length === 0 ? configOf(block) : z.NEVER;
  });
}

function fileKeys(block: string): readonly FileKey[] {
  return [
    { path: [block, "ssl.ca.location"], except: PLATFORM_ROOTS },
    { path: [block, "ssl.certificate.location"] },
    { path: [block, "ssl.key.location"] },
    { path: [block, "https.ca.location"], except: PLATFORM_ROOTS },
  ];
}
