import { describeKey } from "./description.ts";

export type Mapping = Readonly<Record<string, unknown>>;

export type Path = readonly PropertyKey[];

export function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
}

/** The value at a path of a document; `undefined` when there is none. */
export function valueAt(document: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, key)
        ? Reflect.get(value, key)
        : undefined,
    document,
  );
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
