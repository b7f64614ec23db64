import { quoted, shownKey } from "./found.ts";

/** Where something stands in a document. */
export type Path = readonly PropertyKey[];

/** Something that is wrong at a place of one document. */
export interface Finding {
  readonly path: Path;
  /** Holds no value that came from a reference and no secret. */
  readonly message: string;
}

/** One reason why a configuration can't be used. */
export interface ConfigProblem {
  readonly source: string;
  /** The name, or `#2` for a pipeline without a usable one. */
  readonly pipeline?: string;
  /** `eventResultProcessor[1].topic`; empty for the whole pipeline or file. */
  readonly path: string;
  readonly message: string;
}

/** One line, for people. */
export function formatProblem({ source, pipeline, path, message }: ConfigProblem): string {
  const parts = [quoted(source).slice(1, -1)];
  if (pipeline !== undefined) parts.push(`pipeline ${formatPipeline(pipeline)}`);
  if (path !== "") parts.push(path);
  return [...parts, message].join(": ");
}

/** A path in the way of JavaScript: keys that hold a dot stand in brackets. */
export function formatPath(path: Path): string {
  return path.map((key, index) => {
    if (typeof key === "number") return `[${key}]`;
    const name = String(key);
    if (!/^[\w-]+$/.test(name)) return `[${shownKey(name)}]`;
    return index === 0 ? name : `.${name}`;
  }).join("");
}

/** A path as the key of a map or a set. */
export function pathKey(path: Path): string {
  return JSON.stringify(path.map((key) => typeof key === "number" ? key : String(key)));
}

/** A pipeline as messages call it. */
export function formatPipeline(pipeline: string): string {
  return /^#\d+$/.test(pipeline) ? pipeline : quoted(pipeline);
}
