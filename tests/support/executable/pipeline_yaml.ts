import { testBroker } from "../kafka/broker.ts";

/** What a test says about a pipeline; the rest does not matter to it. */
export interface PipelineYaml {
  readonly name?: string;
  readonly broker?: string;
  /** The broker of all that is published, when that is another one or has another name there. */
  readonly resultBroker?: string;
  readonly topic: string;
  readonly group?: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Takes the results of successes; no topic, no result processor. */
  readonly results?: string;
  /** Takes the results of errors; no topic, no result processor. */
  readonly errors?: string;
  /** Takes dead letters; no topic, none. */
  readonly deadLetters?: string;
  readonly consumerConfig?: Readonly<Record<string, unknown>>;
  readonly producerConfig?: Readonly<Record<string, unknown>>;
  readonly logLevel?: string;
  /** Further keys of the pipeline itself, such as `concurrency`. */
  readonly keys?: Readonly<Record<string, unknown>>;
  /** Further keys of the handler, such as `retry`. */
  readonly handler?: Readonly<Record<string, unknown>>;
}

/** A pipeline from topic to topic, as an item of a configuration file's list. */
export function kafkaPipeline(
  {
    name = "orders",
    broker = testBroker(),
    resultBroker = broker,
    topic,
    group = topic,
    url,
    headers = {},
    results,
    errors,
    deadLetters,
    consumerConfig = {},
    producerConfig = {},
    logLevel = "DEBUG",
    keys = {},
    handler = {},
  }: PipelineYaml,
): string {
  const processors = [{ topic: results, when: "onSuccess" }, { topic: errors, when: "onError" }]
    .filter(({ topic }) => topic !== undefined);
  const store = (topic: string, indent: number) =>
    `type: kafka
${" ".repeat(indent)}topic: ${topic}
${" ".repeat(indent)}producerConfig:
${" ".repeat(indent + 2)}${
      lines({ "bootstrap.servers": resultBroker, ...producerConfig }, indent + 2)
    }`;
  return `
- name: ${name}
  logLevel: ${logLevel}
  ${lines(keys, 2)}
  eventListener:
    type: kafka
    topic: ${topic}
    consumerConfig:
      group.id: ${group}
      ${
    lines({ "bootstrap.servers": broker, "auto.offset.reset": "earliest", ...consumerConfig }, 6)
  }
  eventHandler:
    type: http
    url: ${url}
    headers:
      Content-Type: application/text
      ${lines(headers, 6)}
    ${lines(handler, 4)}
${processors.length === 0 ? "" : "  eventResultProcessor:"}
${
    processors.map(({ topic = "", when }) => `  - when: [${when}]\n    ${store(topic, 4)}\n`).join(
      "",
    )
  }${deadLetters === undefined ? "" : `  deadLetter:\n    ${store(deadLetters, 4)}\n`}`;
}

/** A pipeline from standard input to standard output. */
export function stdioPipeline(
  { url, format = "text", when = ["onSuccess"], logLevel = "DEBUG" }: {
    url: string;
    format?: "text" | "json";
    when?: readonly string[];
    logLevel?: string;
  },
): string {
  return `
- name: lines
  logLevel: ${logLevel}
  eventListener: { type: stdin, format: ${format} }
  eventHandler: { type: http, url: "${url}" }
  eventResultProcessor: { type: stdout, format: ${format}, when: [${when.join(", ")}] }
`;
}

/** A whole file: the process's settings, and pipelines. */
export function fileOf(pipelines: string, settings: Readonly<Record<string, unknown>>): string {
  return `${lines(settings, 0)}\npipelines:${pipelines}`;
}

function lines(mapping: Readonly<Record<string, unknown>>, indent: number): string {
  return Object.entries(mapping)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join(`\n${" ".repeat(indent)}`);
}
