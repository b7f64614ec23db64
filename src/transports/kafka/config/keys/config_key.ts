import type { Scalar } from "../../../../schema/scalar.ts";

/** One key of librdkafka, and what eventor makes of it. */
export interface ConfigKey {
  /** Messages show the first one; the others are aliases. In refused keys, `*` stands for any characters. */
  readonly names: Names;
  /**
   * `map`: eventor uses the value. `fixed`: eventor supports one value only. `warn`: accepted without effect. `refuse`:
   * an error.
   */
  readonly policy: "map" | "fixed" | "warn" | "refuse";
  readonly scalar?: Scalar<unknown>;
  /** The value of an absent key, as a user would write it. */
  readonly default?: Written;
  /** What the key does, why it does nothing, or why it is refused. */
  readonly meaning: string;
}

/** The names of a key, aliases last. */
export type Names = readonly [string, ...string[]];

/** A value as a user writes it. */
export type Written = string | number | boolean;

/** A key whose value eventor uses. `Absent` is `undefined` when there is no default. */
export interface MappedKey<Value, Absent = unknown> extends ConfigKey {
  readonly policy: "map";
  readonly scalar: Scalar<Value>;
  /** Only a type: that of the value of an absent key. */
  readonly absent?: Absent;
}

/** The values of a table of mapped keys, by the names in that table. */
export type ValuesOf<Keys> = {
  readonly [Field in keyof Keys]: Keys[Field] extends MappedKey<infer Value, infer Absent>
    ? Value | Absent
    : never;
};

/** A key whose value eventor uses, without a default. */
export function mapped<Value>(
  names: Names,
  options: { scalar: Scalar<Value>; meaning: string },
): MappedKey<Value, undefined> {
  return { names, policy: "map", ...options };
}

/** A key whose value eventor uses, with a default. */
export function mappedOr<Value>(
  names: Names,
  options: { scalar: Scalar<Value>; meaning: string; default: Written },
): MappedKey<Value, Value> {
  return { names, policy: "map", ...options };
}

/** A key that may only have the value that eventor uses anyway. */
export function fixed(
  names: Names,
  options: { scalar: Scalar<unknown>; meaning: string; default?: Written },
): ConfigKey {
  return { names, policy: "fixed", ...options };
}

/** A key that is accepted with a warning. */
export function withoutEffect(names: Names, meaning = "has no effect in eventor"): ConfigKey {
  return { names, policy: "warn", meaning };
}

/** A key that is an error. */
export function refused(names: Names, meaning: string): ConfigKey {
  return { names, policy: "refuse", meaning };
}

/** Whether one of the names of `key` matches a key that a user wrote. */
export function isNamed({ names }: ConfigKey, written: string): boolean {
  return names.some((name) => {
    const [start = "", end] = name.split("*");
    return end === undefined
      ? name === written
      : written.startsWith(start) && written.endsWith(end) && written.length >= name.length;
  });
}
