import { parse } from "@std/yaml";
import { isMapping, type Path } from "../schema/document.ts";
import type { Finding } from "./problem.ts";

const MAX_CHARACTERS = 1_000_000;
const MAX_NODES = 100_000;
const MAX_DEPTH = 50;
// Names with a special meaning in plain objects.
const FORBIDDEN_KEYS = new Set(["__proto__", "constructor", "prototype"]);
const MERGE_KEY = "<<";

/** Parses YAML to plain data without shared parts: aliases and merge keys become copies. */
export function parseDocument(text: string): { document: unknown } | { finding: Finding } {
  if (text.length > MAX_CHARACTERS) return problem("larger than 1 MB");
  let document: unknown;
  try {
    // The core schema keeps dates as text, and leaves merge keys to `Copier`, which counts nodes.
    document = parse(text, { schema: "core" });
  } catch (error) {
    return problem(describeYamlError(error));
  }
  if (document === null || document === undefined) return problem("empty");
  try {
    return { document: new Copier().copy(document, []) };
  } catch (error) {
    if (error instanceof DocumentError) return { finding: error.finding };
    throw error;
  }
}

class DocumentError extends Error {
  override readonly name = "DocumentError";
  readonly finding: Finding;

  constructor(message: string, path: Path) {
    super(message);
    this.finding = { path, message };
  }
}

class Copier {
  #nodes = 0;
  readonly #ancestors = new Set<object>();

  copy(value: unknown, path: Path): unknown {
    this.#count(path);
    if (typeof value !== "object" || value === null) return value;
    return this.#inside(
      value,
      path,
      () =>
        Array.isArray(value)
          ? value.map((item, index) => this.copy(item, [...path, index]))
          : Object.fromEntries(
            [...this.#entries(value, path)].map(([key, item]) => [
              key,
              this.copy(item, [...path, key]),
            ]),
          ),
    );
  }

  #entries(mapping: object, path: Path): Map<string, unknown> {
    const entries = new Map<string, unknown>();
    for (const [key, item] of Object.entries(mapping)) {
      this.#count(path);
      if (FORBIDDEN_KEYS.has(key)) throw new DocumentError(`the key '${key}' is not allowed`, path);
      if (key !== MERGE_KEY) entries.set(key, item);
    }
    if (!Object.hasOwn(mapping, MERGE_KEY)) return entries;
    const merged: unknown = Reflect.get(mapping, MERGE_KEY);
    for (const source of Array.isArray(merged) ? merged : [merged]) {
      this.#count(path);
      if (!isMapping(source)) {
        throw new DocumentError("expected a mapping or a list of mappings under '<<'", path);
      }
      this.#inside(source, path, () => {
        for (const [key, item] of this.#entries(source, path)) {
          if (!entries.has(key)) entries.set(key, item);
        }
      });
    }
    return entries;
  }

  #inside<Copy>(value: object, path: Path, copy: () => Copy): Copy {
    if (this.#ancestors.has(value)) throw new DocumentError("an alias contains itself", path);
    if (this.#ancestors.size === MAX_DEPTH) throw new DocumentError("nested too deeply", path);
    this.#ancestors.add(value);
    try {
      return copy();
    } finally {
      this.#ancestors.delete(value);
    }
  }

  #count(path: Path): void {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES) throw new DocumentError("more than 100,000 values", path);
  }
}

function describeYamlError(error: unknown): string {
  // The parser recurses once per level.
  if (error instanceof RangeError) return "nested too deeply";
  if (!(error instanceof SyntaxError || error instanceof Error)) return "invalid YAML";
  const [, description, line, column] = /^(.*?) at line (\d+), column (\d+)/s.exec(error.message) ??
    [];
  if (description === undefined) return "invalid YAML";
  if (description.includes("more than 1 document")) {
    return `expected one YAML document, found another one at line ${line}`;
  }
  // The parser may quote a secret.
  const safe = description.replace(/".*"|!<.*>/gs, "***");
  return `invalid YAML at line ${line}, column ${column}: ${safe}`;
}

function problem(message: string): { finding: Finding } {
  return { finding: { path: [], message } };
}
