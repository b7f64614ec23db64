import { describeKey } from "./description.ts";

export { valueAt } from "../core/template.ts";

export type Mapping = Readonly<Record<string, unknown>>;

export type Path = readonly PropertyKey[];

export function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
}

/** A path as in JavaScript; keys with a dot are in brackets. */
export function formatPath(path: Path): string {
  return path.map((key, index) => {
    if (typeof key === "number") return `[${key}]`;
    const name = String(key);
    if (!/^[\w-]+$/.test(name)) return `[${describeKey(name)}]`;
    return index === 0 ? name : `.${name}`;
  }).join("");
}

/** A path as a key of maps and sets. */
export function pathKey(path: Path): string {
  return JSON.stringify(path.map((key) => typeof key === "number" ? key : String(key)));
}
