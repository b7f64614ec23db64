import { type ConfigSource, type LoadedFile, loadFile } from "./file.ts";
import { quoted } from "./found.ts";
import type { Outside } from "./outside.ts";
import type { ConfigProblem } from "./problem.ts";
import {
  type Config,
  DEFAULT_SHUTDOWN_TIMEOUT_MS,
  type FileConfig,
  PROCESS_DEFAULTS,
} from "./schema.ts";

export { configJsonSchema } from "./json_schema.ts";
export { type ConfigProblem, formatProblem } from "./problem.ts";
export type { ConfigSource } from "./file.ts";
export type { Outside } from "./outside.ts";

/** Puts all sources together: a configuration that can be used as it is, or all that is wrong. */
export function loadConfig(
  sources: readonly ConfigSource[],
  outside: Outside,
): { config: Config } | { problems: ConfigProblem[] } {
  const files = sources.map((source) => loadFile(source, outside));
  const problems = [
    ...files.flatMap((file) => file.problems),
    ...pipelineProblems(files),
    ...processProblems(files),
  ];
  if (problems.length > 0) return { problems };
  const configs = files.flatMap(({ config }) => config === undefined ? [] : [config]);
  return {
    config: deepFreeze({
      logFormat: firstOf(configs, "logFormat") ?? PROCESS_DEFAULTS.logFormat,
      shutdownTimeoutMs: firstOf(configs, "shutdownTimeout") ?? DEFAULT_SHUTDOWN_TIMEOUT_MS,
      pipelines: configs.flatMap(({ pipelines }) => pipelines),
      warnings: files.flatMap(({ warnings }) => warnings),
    }),
  };
}

function pipelineProblems(files: readonly LoadedFile[]): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const names = new Map<string, string>();
  const users = new Map<string, string>();
  for (const { source, pipelines } of files) {
    for (const { name, label, sections } of pipelines) {
      const owner = name === undefined ? undefined : names.get(name);
      if (owner !== undefined) {
        problems.push({
          source,
          pipeline: label,
          path: "name",
          message: `another pipeline of ${quoted(owner)} has the same name`,
        });
      }
      if (name !== undefined && owner === undefined) names.set(name, source);
      for (const { role: { exclusive } } of sections) {
        if (exclusive === undefined) continue;
        const user = users.get(exclusive);
        if (user !== undefined) {
          problems.push({
            source,
            pipeline: label,
            path: "eventListener",
            message: `only one pipeline can have ${exclusive}, and ${user} has it`,
          });
        } else {
          users.set(exclusive, label.startsWith("#") ? label : quoted(label));
        }
      }
    }
  }
  const hasPipeline = files.some(({ pipelines }) => pipelines.length > 0);
  const isReadable = files.every((file) => file.problems.length === 0);
  if (!hasPipeline && isReadable) {
    const source = files.map((file) => file.source).join(", ") || "configuration";
    problems.push({ source, path: "", message: "there is no pipeline" });
  }
  return problems;
}

function processProblems(files: readonly LoadedFile[]): readonly ConfigProblem[] {
  return (["logFormat", "shutdownTimeout"] as const).flatMap((key) => {
    const settings = files.flatMap(({ source, config }) =>
      config?.[key] === undefined ? [] : [{ source, value: config[key] }]
    );
    const [first, ...others] = settings;
    return others.filter(({ value }) => value !== first?.value).map(({ source }) => ({
      source,
      path: key,
      message: `another value than in ${quoted(first?.source ?? "")}`,
    }));
  });
}

function firstOf<Key extends keyof FileConfig>(
  configs: readonly FileConfig[],
  key: Key,
): FileConfig[Key] | undefined {
  return configs.find((config) => config[key] !== undefined)?.[key];
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
