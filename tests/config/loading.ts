import { type ConfigSource, type ExternalValues, loadConfig } from "../../src/config/mod.ts";
import { formatProblem } from "../../src/config/problem.ts";
import type { Config } from "../../src/config/schema.ts";

/** Variables and files that a configuration can see in a test. */
export interface Surroundings {
  readonly variables?: Readonly<Record<string, string>>;
  /** Texts by paths, or why a file cannot be read. */
  readonly files?: Readonly<Record<string, string | Error>>;
}

/** The problems of a text as lines, without the name of its source. */
export function problemsOf(text: string, surroundings: Surroundings = {}): string[] {
  return problemsOfAll([{ name: "config.yaml", text }], surroundings)
    .map((line) => line.replace(/^config\.yaml: /, ""));
}

/** The problems of several sources as lines. */
export function problemsOfAll(
  sources: readonly ConfigSource[],
  surroundings: Surroundings = {},
): string[] {
  const loaded = loadConfig(sources, externalValues(surroundings));
  return "problems" in loaded ? loaded.problems.map(formatProblem) : [];
}

/** A configuration that is expected to be valid. */
export function configOf(text: string, surroundings: Surroundings = {}): Config {
  return configOfAll([{ name: "config.yaml", text }], surroundings);
}

/** A configuration of several sources that is expected to be valid. */
export function configOfAll(
  sources: readonly ConfigSource[],
  surroundings: Surroundings = {},
): Config {
  const loaded = loadConfig(sources, externalValues(surroundings));
  if ("config" in loaded) return loaded.config;
  throw new Error(loaded.problems.map(formatProblem).join("\n"));
}

/** One pipeline as JSON, which is YAML; a section that is `undefined` is left out. */
export function pipelineText(sections: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify([{ ...pipeline(), ...sections }]);
}

/** A small valid pipeline. */
export function pipeline() {
  return {
    name: "orders",
    eventListener: { type: "stdin" },
    eventHandler: { type: "http", url: "http://localhost:8080/" },
  };
}

/** A pipeline that reads from Kafka with these keys besides the required ones. */
export function consumerText(keys: Readonly<Record<string, unknown>>): string {
  return pipelineText({
    eventListener: {
      type: "kafka",
      topic: "ORDERS",
      consumerConfig: { "bootstrap.servers": "localhost", "group.id": "orders", ...keys },
    },
  });
}

/** A pipeline that publishes to Kafka with these keys besides the required ones. */
export function producerText(keys: Readonly<Record<string, unknown>>): string {
  return pipelineText({
    eventResultProcessor: {
      type: "kafka",
      topic: "RESULTS",
      when: "onSuccess",
      producerConfig: { "bootstrap.servers": "localhost", ...keys },
    },
  });
}

/** What the world looks like to the loader. */
export function externalValues({ variables = {}, files = {} }: Surroundings = {}): ExternalValues {
  return {
    env: (name) => variables[name],
    readFile(path) {
      const text = files[path];
      if (text instanceof Error) throw text;
      if (text === undefined) throw new Deno.errors.NotFound("No such file");
      return text;
    },
  };
}

/** The original's sample, as its README has it. */
export const ORIGINAL_SAMPLE = `
- name: MY_FIRST_TOPIC-to-MY_RESPONSE_TOPIC
  logLevel: 0 # 0 = DEBUG, 1 = INFO, 2 = WARN, 3 = ERROR
  eventListener:
    type: kafka
    topic: MY_FIRST_TOPIC # the topic from which events are consumed
    consumerConfig:
      bootstrap.servers: localhost, 127.0.0.1
      group.id: myVeryFirstGroup
      auto.offset.reset: earliest
      enable.auto.commit: false # auto commit should be disabled since the listener commits messages only if everything was fine
  eventHandler:
    type: http
    method: POST # the http method that is used for the request
    url: http://localhost:8080/payload # the URL to which the event is sent
    headers:
      Content-Type: application/text # defaults to application/text
      Authorization: Basic ...
  eventResultProcessor:
    type: kafka
    topic: MY_RESPONSE_TOPIC # the topic to which the response body received from the eventHandler is sent to
    when:
      - onSuccess # can be 'onSuccess' which means the response is published if HTTP statusCode < 400, or 'onError' for HTTP statusCode >= 400
    producerConfig:
      bootstrap.servers: localhost
      acks: all
`;
