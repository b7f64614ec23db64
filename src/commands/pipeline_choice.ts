import type { Config, PipelineConfig } from "../config/schema.ts";
import { printError } from "../process/console.ts";

/** The pipeline with this name; null, with a message, when there is none. */
export async function pipelineOf(
  { pipelines }: Config,
  name: string,
): Promise<PipelineConfig | null> {
  const pipeline = pipelines.find((pipeline) => pipeline.name === name);
  if (pipeline !== undefined) return pipeline;
  const names = pipelines.map(({ name }) => `'${name}'`).join(", ");
  await printError(`eventor: there is no pipeline '${name}'; there are: ${names}\n`);
  return null;
}
