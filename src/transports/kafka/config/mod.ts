import { z } from "zod";
import { isMapping } from "../../../schema/document.ts";
import { size, textOf, toSchema } from "../../../schema/scalar.ts";
import { section, SECTION_EXTRAS, type SectionExtras } from "../../../schema/section.ts";
import {
  recordTemplateKeys,
  recordTemplates,
  whenSchema,
} from "../../../schema/record_templates.ts";
import { TemplateText } from "../../../schema/texts.ts";
import type { When } from "../../../core/handler.ts";
import type { RecordTemplates } from "../../../core/record_templates.ts";
import type { Template } from "../../../core/template.ts";
import {
  type Block,
  blockJsonSchema,
  type BlockKeys,
  type BlockProblem,
  readBlock,
} from "./block.ts";
import { clientWarnings } from "./client.ts";
import { consumerConfig, consumerProblems, type KafkaConsumerConfig } from "./consumer.ts";
import {
  type KafkaProducerConfig,
  producerConfig,
  producerProblems,
  producerWarnings,
} from "./producer.ts";
import type { MappedKeys } from "./keys/config_key.ts";
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
  consumerConfig: blockSchema(CONSUMER_BLOCK, {
    problemsOf: consumerProblems,
    configOf: consumerConfig,
  }),
}).register(
  SECTION_EXTRAS,
  extras("consumerConfig", (input) => clientWarnings(readBlock(input, CONSUMER_BLOCK))),
);

const PRODUCER = { problemsOf: producerProblems, configOf: producerConfig };

const PRODUCER_EXTRAS = extras(
  "producerConfig",
  (input) => producerWarnings(readBlock(input, PRODUCER_BLOCK)),
);

/** Reads the `eventResultProcessor` section of type `kafka`. */
export const kafkaResultProcessorSchema: z.ZodType<KafkaResultProcessorConfig> = section({
  type: z.literal("kafka").describe("Publishes results to a Kafka topic"),
  topic: resultTopic.describe("The topic for results; it may hold templates"),
  topics: z.array(topic).min(1).optional().describe(
    "All topics that a `topic` with templates may produce",
  ),
  when: whenSchema,
  ...recordTemplateKeys,
  producerConfig: blockSchema(PRODUCER_BLOCK, PRODUCER),
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
  producerConfig: blockSchema(DEAD_LETTER_BLOCK, PRODUCER),
}).register(SECTION_EXTRAS, PRODUCER_EXTRAS);

function blockSchema<Mapped extends MappedKeys, Config>(
  keys: BlockKeys<Mapped>,
  { problemsOf, configOf }: {
    problemsOf(block: Block<Mapped>): readonly BlockProblem[];
    configOf(block: Block<Mapped>): Config;
  },
) {
  return z.unknown().transform((input, context): Config => {
    const block = readBlock(input, keys);
    const problems = isMapping(input) ? [...block.problems, ...problemsOf(block)] : block.problems;
    for (const { key, ...params } of problems) {
      context.addIssue({ code: "custom", path: key === undefined ? [] : [key], params });
    }
    return problems.length === 0 ? configOf(block) : z.NEVER;
  }).meta(blockJsonSchema(keys)).describe("Keys of librdkafka");
}

/** What else is known of a section: the keys in `block` that name files or URLs, and its warnings. */
function extras(block: string, warningsOf: (input: unknown) => string[]): SectionExtras {
  return {
    files: [
      { path: [block, "ssl.ca.location"], except: PLATFORM_ROOTS },
      { path: [block, "ssl.certificate.location"] },
      { path: [block, "ssl.key.location"] },
      { path: [block, "https.ca.location"], except: PLATFORM_ROOTS },
    ],
    urls: SECURITY_KEYS.tokenEndpoint.names.map((name) => ({
      path: [block, name],
      copy: [block, "sasl", "token", "redactedTokenEndpoint"],
    })),
    warnings: (section) => warningsOf(Reflect.get(Object(section), block)),
  };
}
