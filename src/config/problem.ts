import { quoted, shownKey } from "./found.ts";

/** A path in a document. */
export type Path = readonly PropertyKey[];

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

/** Formats a problem on one line. */
export function formatProblem({ source, pipeline, path, message }: ConfigProblem): string {
  const parts = [quoted(source).slice(1, -1)];
  if (pipeline !== undefined) parts.push(`pipeline ${formatPipeline(pipeline)}`);
  if (path !== "") parts.push(path);
  return [...parts, message].join(": ");
}

/** A path as in JavaScript; keys with a dot are in brackets. */
export function formatPath(path: Path): string {
  return path.map((key, index) => {
    if (typeof key === "number") return `[${key}]`;
    const name = String(key);
    if (!/^[\w-]+$/.test(name)) return `[${shownKey(name)}]`;
    return index === 0 ? name : `.${name}`;
  }).join("");
}

/** A path as a key of maps and sets. */
export function pathKey(path: Path): string {
  return JSON.stringify(path.map((key) => typeof key === "number" ? key : String(key)));
}

/** A pipeline's name in messages. */
export function formatPipeline(pipeline: string): string {
  return /^#\d+$/.test(pipeline) ? pipeline : quoted(pipeline);
}
