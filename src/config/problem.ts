import { quoted } from "../schema/description.ts";
import type { Path } from "../schema/document.ts";

/** A problem at a path of one document. */
export interface Finding {
  readonly path: Path;
  /** Holds no external value and no secret. */
  readonly message: string;
}

/** A reason why a configuration cannot be used. */
export interface ConfigProblem {
  readonly source: string;
  /** The name, or `#2` for a pipeline without a usable one. */
  readonly pipeline?: string;
  /** `eventResultProcessor[1].topic`; empty for the whole pipeline or file. */
  readonly path: string;
  readonly message: string;
}

export function formatProblem({ source, pipeline, path, message }: ConfigProblem): string {
  const parts = [quoted(source).slice(1, -1)];
  if (pipeline !== undefined) parts.push(`pipeline ${formatPipeline(pipeline)}`);
  if (path !== "") parts.push(path);
  return [...parts, message].join(": ");
}

export function formatPipeline(pipeline: string): string {
  return /^#\d+$/.test(pipeline) ? pipeline : quoted(pipeline);
}
