import { boolean, choice, type Scalar } from "../../../../schema/scalar.ts";

/** A key of librdkafka, or several with the same fate, and what eventor makes of them. */
export interface ConfigKey {
  /** Aliases of a key whose value matters come last. In refused keys, `*` stands for any characters. */
  readonly names: readonly string[];
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

/** A value as a user writes it. */
type Written = string | number | boolean;

/** A key whose value eventor uses. `Absent` is `undefined` when there is no default. */
export interface MappedKey<Value, Absent = unknown> extends ConfigKey {
  readonly names: readonly [string, ...string[]];
  readonly policy: "map";
  readonly scalar: Scalar<Value>;
  /** Only a type: that of the value of an absent key. */
  readonly absent?: Absent;
}

/** A table of mapped keys, by eventor's names. */
export type MappedKeys = Readonly<Record<string, MappedKey<unknown>>>;

/** The values of a table of mapped keys, by the names in that table. */
export type ValuesOf<Keys> = {
  readonly [Field in keyof Keys]: Keys[Field] extends MappedKey<infer Value, infer Absent>
    ? Value | Absent
    : never;
};

/** A key whose value eventor uses. */
export function mapped<Value, Default extends Written = never>(
  names: MappedKey<Value>["names"],
  scalar: Scalar<Value>,
  options: { default?: Default; meaning: string },
): MappedKey<Value, [Default] extends [never] ? undefined : Value> {
  return { names, policy: "map", scalar, ...options };
}

/** A key that may only have the value that eventor uses anyway; `others` says why not another one. */
export function fixed(
  name: string,
  value: string | false,
  others: Readonly<Record<string, string>>,
  note = "",
): ConfigKey {
  const scalar = value === false
    ? boolean(others)
    : choice({ [value]: value }, { refused: others });
  return {
    names: [name],
    policy: "fixed",
    scalar,
    default: value,
    meaning: `Only \`${value}\`${note}`,
  };
}

/** Keys that are accepted with a warning. */
export function withoutEffect(names: string, meaning = "has no effect in eventor"): ConfigKey {
  return { names: namesIn(names), policy: "warn", meaning };
}

/** Keys that are an error. */
export function refused(names: string, meaning: string): ConfigKey {
  return { names: namesIn(names), policy: "refuse", meaning };
}

/** The names in a text, separated by white space. */
function namesIn(text: string): string[] {
  return text.trim().split(/\s+/);
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
