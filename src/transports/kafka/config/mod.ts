import { z } from "zod";
import { isMapping } from "../../../schema/document.ts";
import { size, textOf, toSchema } from "../../../schema/scalar.ts";
import {
  type FileKey,
  section,
  SECTION_EXTRAS,
  type SectionExtras,
  type UrlKey,
} from "../../../schema/section.ts";
import {
  recordTemplateKeys,
  recordTemplates,
  whenSchema,
} from "../../../schema/record_templates.ts";
import { TemplateText } from "../../../schema/texts.ts";
import type { When } from "../../../core/handler.ts";
import type { RecordTemplates } from "../../../core/record_templates.ts";
import type { Template } from "../../../core/template.ts";
import { blockJsonSchema, type BlockProblem } from "./block.ts";
import { clientWarnings } from "./client.ts";
import {
  type ConsumerBlock,
  consumerConfig,
  consumerProblems,
  type KafkaConsumerConfig,
  readConsumerBlock,
} from "./consumer.ts";
import {
  type KafkaProducerConfig,
  type ProducerBlock,
  producerConfig,
  producerProblems,
  producerWarnings,
  readDeadLetterBlock,
  readProducerBlock,
} from "./producer.ts";
import { CONSUMER_BLOCK, DEAD_LETTER_BLOCK, PRODUCER_BLOCK } from "./keys/mod.ts";
import { PLATFORM_ROOTS, SECURITY_KEYS } from "./keys/security.ts";

export type { KafkaClientConfig } from "./client.ts";
export type { KafkaConsumerConfig } from "./consumer.ts";
export type { AssignmentStrategy } from "./keys/consumer.ts";
export type { KafkaProducerConfig } from "./producer.ts";
export type { KafkaSaslConfig } from "./sasl.ts";
export type { KafkaTlsConfig } from "./tls.ts";

/** Where events come from. */
export interface KafkaListenerConfig {
  readonly type: "kafka";
  readonly topic: string;
  /** The largest size of an event's key, value and headers, uncompressed. */
  readonly maxEventBytes: number;
  readonly consumerConfig: KafkaConsumerConfig;
}

/** Where results or dead letters are stored. */
export interface KafkaStoreConfig {
  readonly type: "kafka";
  readonly topic: string;
  /** All topics, including `topic`, when each record names its own. */
  readonly topics?: readonly string[];
  readonly producerConfig: KafkaProducerConfig;
}

/** Where results are stored, and which ones. */
export type KafkaResultProcessorConfig = KafkaStoreConfig & {
  readonly when: readonly When[];
  readonly templates?: RecordTemplates;
};

const topicScalar = textOf(
  "a Kafka topic: 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-'",
  {
    json: { maxLength: 249 },
    check: (name) => /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/.test(name) ? name : undefined,
  },
);

const topic = toSchema(topicScalar);

/** The name of a topic, or a template for it. */
const resultTopic = toSchema<string | Template>({
  ...topicScalar,
  read: (input) =>
    input instanceof TemplateText ? { value: input.template } : topicScalar.read(input),
});

/** Reads the `eventListener` section of type `kafka`. */
export const kafkaListenerSchema: z.ZodType<KafkaListenerConfig> = section({
  type: z.literal("kafka").describe("Reads events from a Kafka topic"),
  topic: topic.describe("The topic that events come from"),
  maxEventBytes: toSchema(size({ min: "1KiB", max: "1GiB" })).prefault("8MiB").describe(
    "The largest event, uncompressed: key, value and headers. eventor does not send a larger one, " +
      "which fails for good",
  ),
  consumerConfig: blockSchema({
    read: readConsumerBlock,
    problemsOf: consumerProblems,
    configOf: consumerConfig,
  }).meta(blockJsonSchema(CONSUMER_BLOCK)).describe("Keys of librdkafka"),
}).register(SECTION_EXTRAS, {
  files: fileKeys("consumerConfig"),
  urls: tokenEndpointUrls("consumerConfig"),
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
  urls: tokenEndpointUrls("producerConfig"),
  warnings(section) {
    const block = readProducerBlock(Reflect.get(Object(section), "producerConfig"));
    return [...blockWarnings(block), ...producerWarnings(block)];
  },
};

/** Reads the `eventResultProcessor` section of type `kafka`. */
export const kafkaResultProcessorSchema: z.ZodType<KafkaResultProcessorConfig> = section({
  type: z.literal("kafka").describe("Publishes results to a Kafka topic"),
  topic: resultTopic.describe("The topic for results; it may hold templates"),
  topics: z.array(topic).min(1).optional().describe(
    "All topics that a `topic` with templates may produce",
  ),
  when: whenSchema,
  ...recordTemplateKeys,
  producerConfig: producerConfigSchema,
}).superRefine(({ topic, topics }, context) => {
  const isTemplate = typeof topic === "object";
  if (isTemplate === (topics !== undefined)) return;
  const refused = isTemplate
    ? "required, because 'topic' holds templates: list all topics that they may produce"
    : "goes with a 'topic' that holds templates only";
  context.addIssue({ code: "custom", path: ["topics"], params: { refused } });
}).transform(({ topic, topics = [], key, headers, ...others }) => {
  if (typeof topic === "string") {
    return { ...others, topic, ...recordTemplates({ key, headers }) };
  }
  const templates = recordTemplates({
    key,
    headers,
    destination: { template: topic, allowed: topics },
  });
  return { ...others, topic: topics[0] ?? "", topics, ...templates };
}).register(SECTION_EXTRAS, PRODUCER_EXTRAS);

/** Reads the `deadLetter` section of type `kafka`. */
export const kafkaDeadLetterSchema: z.ZodType<KafkaStoreConfig> = section({
  type: z.literal("kafka").describe("Publishes dead letters onto a Kafka topic"),
  topic: topic.describe("The topic that dead letters are sent to"),
  producerConfig: blockSchema({
    read: readDeadLetterBlock,
    problemsOf: producerProblems,
    configOf: producerConfig,
  }).meta(blockJsonSchema(DEAD_LETTER_BLOCK)).describe("Keys of librdkafka"),
}).register(SECTION_EXTRAS, PRODUCER_EXTRAS);

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

function tokenEndpointUrls(block: string): readonly UrlKey[] {
  const copy = [block, "sasl", "token", "redactedTokenEndpoint"];
  return SECURITY_KEYS.tokenEndpoint.names.map((name) => ({ path: [block, name], copy }));
}
