import { cyclesOf, describeCycle, flowOf } from "./cycles.ts";
import { rolesOf } from "./roles.ts";
import { listenerRole } from "../transports/mod.ts";
import { type ConfigSource, type LoadedFile, loadFile } from "./file.ts";
import { quoted } from "../schema/description.ts";
import { type ExternalValues, type RecordedValues, ValueRecorder } from "./external_values.ts";
import { type ConfigProblem, formatPipeline } from "./problem.ts";
import {
  type Config,
  DEFAULT_SHUTDOWN_TIMEOUT_MS,
  type FileConfig,
  type PipelineConfig,
  PROCESS_DEFAULTS,
} from "./schema.ts";

export { configJsonSchema } from "./schema.ts";
export type { ConfigSource } from "./file.ts";
export type { ExternalValues } from "./external_values.ts";

export interface LoadedConfig {
  readonly config: Config;
  /** Its pipelines as written, with external values. */
  readonly written: readonly unknown[];
}

/** Combines all sources to a configuration, or returns all problems. */
export function loadConfig(
  sources: readonly ConfigSource[],
  values: ExternalValues,
): LoadedConfig | { problems: ConfigProblem[] } {
  const files = sources.map((source) => loadFile(source, values));
  const problems = [
    ...files.flatMap((file) => file.problems),
    ...emptinessProblems(files),
    ...nameProblems(files),
    ...processProblems(files),
  ];
  if (problems.length > 0) return { problems };
  const valid = validPipelines(files);
  const betweenPipelines = [
    ...exclusiveProblems(valid),
    ...readerProblems(valid),
    ...cycleProblems(valid),
  ];
  if (betweenPipelines.length > 0) return { problems: betweenPipelines };
  const configs = files.flatMap(({ config }) => config === undefined ? [] : [config]);
  return {
    config: {
      logFormat: firstOf(configs, "logFormat") ?? PROCESS_DEFAULTS.logFormat,
      shutdownTimeoutMs: firstOf(configs, "shutdownTimeout") ?? DEFAULT_SHUTDOWN_TIMEOUT_MS,
      ...adminOf(configs),
      pipelines: configs.flatMap(({ pipelines }) => pipelines),
      warnings: files.flatMap(({ warnings }) => warnings),
      secrets: files.flatMap(({ secrets }) => secrets),
    },
    written: pipelinesOf(files).map(({ written }) => written),
  };
}

/** A configuration as read once: plain data. */
export interface ConfigSnapshot {
  readonly sources: readonly ConfigSource[];
  readonly values: RecordedValues;
  readonly result: LoadedConfig | { readonly problems: readonly ConfigProblem[] };
}

/** @param before values to read the same sources again with: the same variables, and the current files */
export function readConfig(
  sources: readonly ConfigSource[],
  values: ExternalValues,
  before?: RecordedValues,
): ConfigSnapshot {
  const recorder = new ValueRecorder(values, before);
  return { sources, result: loadConfig(sources, recorder), values: recorder.recorded };
}

/** What only one pipeline may have, such as a name. */
interface Claim {
  /** Texts for it: two claims with a text in common are for the same thing. */
  readonly keys: readonly string[];
  readonly owner: string;
  readonly at: Omit<ConfigProblem, "message">;
  message(owner: string): string;
}

/** A problem for each claim that an earlier one contradicts. */
function claimProblems(claims: readonly Claim[]): readonly ConfigProblem[] {
  const owners = new Map<string, string>();
  return claims.flatMap(({ keys, owner, at, message }) => {
    const first = keys.map((key) => owners.get(key)).find((owner) => owner !== undefined);
    for (const key of keys) owners.set(key, first ?? owner);
    return first === undefined ? [] : [{ ...at, message: message(first) }];
  });
}

function nameProblems(files: readonly LoadedFile[]): readonly ConfigProblem[] {
  return claimProblems(
    pipelinesOf(files).flatMap(({ source, name, label }) =>
      name === undefined ? [] : [{
        keys: [name],
        owner: quoted(source),
        at: { source, pipeline: label, path: "name" },
        message: (owner) => `another pipeline of ${owner} has the same name`,
      }]
    ),
  );
}

function exclusiveProblems(pipelines: readonly ValidPipeline[]): readonly ConfigProblem[] {
  return claimProblems(
    pipelines.flatMap(({ source, label, config }) =>
      rolesOf(config).flatMap(({ path, role: { exclusive } }) =>
        exclusive === undefined ? [] : [{
          keys: [exclusive],
          owner: `${formatPipeline(label)} of ${quoted(source)}`,
          at: { source, pipeline: label, path },
          message: (owner) => `only one pipeline can use ${exclusive}, and ${owner} already does`,
        }]
      )
    ),
  );
}

/** Pipelines that share a topic and a group by mistake: each would get only some events. */
function readerProblems(pipelines: readonly ValidPipeline[]): readonly ConfigProblem[] {
  return claimProblems(
    pipelines.map(({ source, label, config: { eventListener } }) => ({
      keys: listenerRole(eventListener).readers?.(eventListener) ?? [],
      owner: `pipeline ${formatPipeline(label)} of ${quoted(source)}`,
      at: { source, pipeline: label, path: "eventListener" },
      message: (owner) =>
        `${owner} reads the same topic in the same group: each event would reach only one of them; ` +
        "configure another group.id or another topic",
    })),
  );
}

function cycleProblems(pipelines: readonly ValidPipeline[]): readonly ConfigProblem[] {
  const labels = new Map(pipelines.map(({ label, config: { name } }) => [name, label]));
  const flows = pipelines.map(({ config }) => flowOf(config));
  return pipelines.flatMap(({ source, label, config }) =>
    cyclesOf(flowOf(config), flows).map(({ target, others }) => ({
      source,
      pipeline: label,
      path: target.path,
      message: describeCycle(others.map((name) => quoted(labels.get(name) ?? ""))),
    }))
  );
}

function emptinessProblems(files: readonly LoadedFile[]): readonly ConfigProblem[] {
  const isKnown = files.every(({ problems }) => problems.length === 0);
  if (!isKnown || pipelinesOf(files).length > 0) return [];
  const source = files.map((file) => file.source).join(", ") || "configuration";
  return [{ source, path: "", message: "there are no pipelines" }];
}

function pipelinesOf(files: readonly LoadedFile[]) {
  return files.flatMap(({ source, pipelines }) =>
    pipelines.map((pipeline) => ({ source, ...pipeline }))
  );
}

interface ValidPipeline {
  readonly source: string;
  /** Its name in problems. */
  readonly label: string;
  readonly config: PipelineConfig;
}

function validPipelines(files: readonly LoadedFile[]): readonly ValidPipeline[] {
  return files.flatMap(({ source, config, pipelines }) =>
    (config?.pipelines ?? []).map((config, index) => ({
      source,
      label: pipelines[index]?.label ?? "",
      config,
    }))
  );
}

function processProblems(files: readonly LoadedFile[]): readonly ConfigProblem[] {
  return (["logFormat", "shutdownTimeout", "admin"] as const).flatMap((key) => {
    const settings = files.flatMap(({ source, config }) =>
      config?.[key] === undefined ? [] : [{ source, value: config[key] }]
    );
    const [first, ...others] = settings;
    const isOther = (value: unknown) => JSON.stringify(value) !== JSON.stringify(first?.value);
    return others.filter(({ value }) => isOther(value)).map(({ source }) => ({
      source,
      path: key,
      message: `differs from the value in ${quoted(first?.source ?? "")}`,
    }));
  });
}

function adminOf(configs: readonly FileConfig[]): Pick<Config, "admin"> {
  const admin = firstOf(configs, "admin");
  return admin === undefined ? {} : { admin };
}

function firstOf<Key extends keyof FileConfig>(
  configs: readonly FileConfig[],
  key: Key,
): FileConfig[Key] | undefined {
  return configs.find((config) => config[key] !== undefined)?.[key];
}
