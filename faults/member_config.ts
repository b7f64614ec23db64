import {
  fileOf,
  kafkaPipeline,
  type PipelineYaml,
} from "../tests/support/executable/pipeline_yaml.ts";
import type { RowTopics } from "./row_topics.ts";

const CONCURRENCY = 64;

/** How a member of the group is started; the rest is as it is for every row. */
export interface MemberSettings {
  readonly name?: string;
  /** What runs it, when further arguments follow; otherwise the executable. */
  readonly command?: readonly string[];
  /** What it knows the broker by. */
  readonly broker?: string;
  readonly pipeline?: Partial<Omit<PipelineYaml, "topic" | "group" | "broker" | "name">>;
  /** Further pipelines, as items of the list. */
  readonly otherPipelines?: string;
  /** Settings of the process. */
  readonly process?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Otherwise nobody reads its log until `readLog()`. */
  readonly readsLog?: boolean;
}

/** What is the same for all members of a row. */
export interface MemberDefaults {
  readonly broker: string;
  readonly topics: RowTopics;
  /** `host:port` of the endpoint. */
  readonly endpoint: string;
  readonly canary: string;
  readonly maxLookahead: number;
  readonly sessionTimeoutMs: number;
}

/** The configuration of a member: its calls tell the endpoint its name by their path. */
export function memberConfig(
  name: string,
  { broker, pipeline = {}, otherPipelines = "", process = {} }: MemberSettings,
  defaults: MemberDefaults,
): string {
  const { keys, headers, consumerConfig, ...others } = pipeline;
  const own = kafkaPipeline({
    name,
    broker: broker ?? defaults.broker,
    topic: defaults.topics.events,
    group: defaults.topics.group,
    url: `http://${defaults.endpoint}/${name}`,
    results: defaults.topics.results,
    logLevel: "INFO",
    headers: { Authorization: `Bearer ${defaults.canary}`, ...headers },
    keys: { concurrency: CONCURRENCY, maxLookahead: defaults.maxLookahead, ...keys },
    consumerConfig: {
      "session.timeout.ms": defaults.sessionTimeoutMs,
      "heartbeat.interval.ms": 500,
      ...consumerConfig,
    },
    ...others,
  });
  return fileOf(own + otherPipelines, process);
}
