import type { ConfigSnapshot, ConfigSource, LoadedConfig } from "../config/mod.ts";
import { formatProblem } from "../config/problem.ts";
import type { Config, PipelineConfig } from "../config/schema.ts";
import { readBoundedFile, readStandardInput } from "../process/bounded_input.ts";
import { takeSnapshot } from "../process/config_reading.ts";
import { printError } from "../process/console.ts";
import { listenerRole } from "../transports/mod.ts";

/** The file name that stands for standard input. */
export const STANDARD_INPUT = "-";

const MAX_SOURCE_BYTES = 4 * 1024 * 1024;

/** A valid configuration that can be read again. */
export interface ReadFiles extends LoadedConfig {
  readonly snapshot: ConfigSnapshot;
}

/** Reads and validates the files; null when there are problems, all of which were printed. */
export async function loadFiles(files: readonly string[]): Promise<Config | null> {
  return (await readFiles(files))?.config ?? null;
}

/** Like `loadFiles()`, but the result can be read again when named files change. */
export async function readFiles(files: readonly string[]): Promise<ReadFiles | null> {
  const sources: ConfigSource[] = [];
  const problems: string[] = [];
  for (const file of files) {
    try {
      sources.push({ name: nameOf(file), text: await readSource(file) });
    } catch (error) {
      problems.push(`cannot read ${nameOf(file)}: ${describeReadFailure(error)}`);
    }
  }
  if (sources.length > 0) {
    try {
      const snapshot = await takeSnapshot({ sources });
      const { result } = snapshot;
      if ("config" in result) problems.push(...sharingProblems(result.config.pipelines, files));
      else problems.push(...result.problems.map(formatProblem));
      if ("config" in result && problems.length === 0) return { ...result, snapshot };
    } catch (error) {
      problems.push(`eventor: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  await printError(problems.map((problem) => `${problem}\n`).join(""));
  return null;
}

/** The pipeline with this name; null, with a message, when there is none. */
export async function pipelineOf(
  { pipelines }: Config,
  name: string,
): Promise<PipelineConfig | null> {
  const pipeline = pipelines.find((pipeline) => pipeline.name === name);
  if (pipeline !== undefined) return pipeline;
  const names = pipelines.map(({ name }) => `'${name}'`).join(", ");
  await printError(`eventor: no pipeline is named '${name}'; the file has: ${names}\n`);
  return null;
}

function nameOf(file: string): string {
  return file === STANDARD_INPUT ? "stdin" : file;
}

async function readSource(file: string): Promise<string> {
  return file === STANDARD_INPUT
    ? new TextDecoder().decode(await readStandardInput(MAX_SOURCE_BYTES))
    : readBoundedFile(file, { maxBytes: MAX_SOURCE_BYTES });
}

function describeReadFailure(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  return error instanceof Error ? error.message : String(error);
}

/** A pipeline cannot read standard input when the configuration came from there. */
function sharingProblems(
  pipelines: readonly PipelineConfig[],
  files: readonly string[],
): string[] {
  if (!files.includes(STANDARD_INPUT)) return [];
  return pipelines
    .filter(({ eventListener }) => listenerRole(eventListener).exclusive === "standard input")
    .map(({ name }) =>
      `pipeline '${name}' cannot read standard input: the configuration was read from it`
    );
}
