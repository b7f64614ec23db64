import { z } from "zod";

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * Result of reading a value of the document. Messages contain `expected` and `refused`, so these never hold the value.
 */
export type Reading<Value> =
  | { readonly value: Value }
  | { readonly expected: string }
  | { readonly refused: string };

/** A single value. The document may hold it as such or as text, since references yield text. */
export interface Scalar<Value> {
  /** Completes "expected ..." in a message. */
  readonly expected: string;
  readonly json: JsonSchema;
  read(input: unknown): Reading<Value>;
}

/** Matches references in JSON Schemas, whose values are known only when resolved. */
export const REFERENCE_PATTERN = "\\$\\{(env|file):";

const TEXT = "text in quotes";

/** Non-empty text. Numbers are no text: `1.10` would become `1.1`. */
export function text(): Scalar<string> {
  return textOf(TEXT, { check: (text) => text === "" ? undefined : text });
}

/** Text that `check` accepts and may rewrite; `undefined` refuses it. */
export function textOf(
  expected: string,
  options: { json?: JsonSchema; check(text: string): string | undefined },
): Scalar<string> {
  return {
    expected,
    json: { type: "string", minLength: 1, ...options.json },
    read(input) {
      if (typeof input !== "string") return { expected: TEXT };
      const value = options.check(input);
      return value === undefined ? { expected } : { value };
    },
  };
}

/** A whole number, limits included. */
export function integer(min: number, max: number): Scalar<number> {
  return ranged(`a whole number from ${min} to ${max}`, {
    json: { anyOf: [{ type: "integer", minimum: min, maximum: max }, written("^-?[0-9]+$")] },
    limits: [min, max],
    parse(input) {
      const value = isMatch(input, /^-?\d{1,15}$/) ? Number(input) : input;
      return Number.isInteger(value) ? Number(value) : undefined;
    },
  });
}

/** A number, limits included. */
export function decimal(min: number, max: number): Scalar<number> {
  return ranged(`a number from ${min} to ${max}`, {
    json: {
      anyOf: [{ type: "number", minimum: min, maximum: max }, written("^[0-9]+(\\.[0-9]+)?$")],
    },
    limits: [min, max],
    parse(input) {
      const value = isMatch(input, /^\d{1,9}(\.\d{1,9})?$/) ? Number(input) : input;
      return typeof value === "number" ? value : undefined;
    },
  });
}

export interface ChoiceOptions {
  /** Known words that cannot be used, and why. */
  readonly refused?: Readonly<Record<string, string>>;
  readonly expected?: string;
  /** The words that editors offer. */
  readonly offered?: readonly (string | number)[];
}

/** One of a few words, in upper or lower case. */
export function choice<Value>(
  values: Readonly<Record<string, Value>>,
  options: ChoiceOptions = {},
): Scalar<Value> {
  const valueOf = new Map(Object.entries(values).map(([word, value]) => [fold(word), value]));
  const reasonOf = new Map(
    Object.entries(options.refused ?? {}).map(([word, reason]) => [fold(word), reason]),
  );
  const expected = options.expected ?? alternatives(Object.keys(values));
  return {
    expected,
    json: {
      anyOf: [
        { enum: options.offered ?? Object.keys(values) },
        { type: "string", pattern: REFERENCE_PATTERN },
      ],
    },
    read(input) {
      const word = isPlain(input) ? fold(String(input)) : "";
      const reason = reasonOf.get(word);
      if (reason !== undefined) return { refused: reason };
      return valueOf.has(word) ? { value: valueOf.get(word) as Value } : { expected };
    },
  };
}

/** True or false; `refused` says why one of them is not possible. */
export function boolean(refused: { true?: string; false?: string } = {}): Scalar<boolean> {
  const spellings = { true: true, t: true, 1: true, false: false, f: false, 0: false };
  const { expected, read } = choice<boolean>(spellings, { expected: "true or false" });
  return {
    expected,
    json: { anyOf: [{ type: "boolean" }, written("^(true|false)$")] },
    read(input) {
      const reading = read(input);
      const reason = "value" in reading ? refused[`${reading.value}`] : undefined;
      return reason === undefined ? reading : { refused: reason };
    },
  };
}

const MILLISECONDS = new Map([["ms", 1], ["s", 1000], ["m", 60_000], ["h", 3_600_000]]);

/** `500ms`, `30s`, `5m`, `1h`, or 0. The value is in milliseconds. */
export function duration(range: { min: string; max: string }): Scalar<number> {
  const min = milliseconds(range.min) ?? 0;
  return ranged(`a duration such as 500ms, 30s or 5m, from ${range.min} to ${range.max}`, {
    json: {
      anyOf: [written("^[0-9]+(ms|s|m|h)$|^0$"), ...(min === 0 ? [{ const: 0 }] : [])],
      examples: ["30s", "500ms", "5m"],
    },
    limits: [min, milliseconds(range.max) ?? 0],
    parse: milliseconds,
  });
}

const SIZE_UNITS = new Map([["", 1], ["KiB", 1024], ["MiB", 1024 ** 2], ["GiB", 1024 ** 3]]);

/** `900KiB`, `64MiB`, or a number of bytes. The value is in bytes. */
export function size(range: { min: string; max: string }): Scalar<number> {
  const [min, max] = [bytes(range.min) ?? 0, bytes(range.max) ?? 0];
  const expected = "a size such as 900KiB, 64MiB or a number of bytes";
  return ranged(`${expected}, from ${range.min} to ${range.max}`, {
    json: {
      anyOf: [
        { type: "integer", minimum: min, maximum: max },
        written("^[0-9]+(KiB|MiB|GiB)?$"),
      ],
      examples: ["64MiB", "900KiB"],
    },
    limits: [min, max],
    parse: bytes,
  });
}

/** A zod schema that reads a scalar. */
export function toSchema<Value>({ json, read }: Scalar<Value>): z.ZodType<Value> {
  return z.unknown().transform((input, context): Value => {
    const reading = read(input);
    if ("value" in reading) return reading.value;
    context.addIssue({ code: "custom", params: reading });
    return z.NEVER;
  }).meta(json);
}

/** `'a', 'b' or 'c'`. */
export function alternatives(words: readonly string[]): string {
  const quotedWords = words.map((word) => `'${word}'`);
  const last = quotedWords.pop() ?? "";
  return quotedWords.length === 0 ? last : `${quotedWords.join(", ")} or ${last}`;
}

/** A number within limits that `parse` finds in the input. */
function ranged(
  expected: string,
  { json, limits: [min, max], parse }: {
    json: JsonSchema;
    limits: readonly [min: number, max: number];
    parse(input: unknown): number | undefined;
  },
): Scalar<number> {
  return {
    expected,
    json,
    read(input) {
      const value = parse(input);
      return value !== undefined && value >= min && value <= max ? { value } : { expected };
    },
  };
}

/** The JSON Schema of a value that is written as text, or comes from a reference. */
function written(pattern: string): JsonSchema {
  return { type: "string", pattern: `${pattern}|${REFERENCE_PATTERN}` };
}

function milliseconds(input: unknown): number | undefined {
  if (input === 0 || input === "0") return 0;
  const text = typeof input === "string" ? input : "";
  const [, amount, unit = ""] = /^(\d{1,12})(ms|s|m|h)$/.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * (MILLISECONDS.get(unit) ?? 1);
}

function bytes(input: unknown): number | undefined {
  const isAmount = typeof input === "string" || Number.isInteger(input);
  const [, amount, unit = ""] = /^(\d{1,12})(KiB|MiB|GiB|)$/.exec(isAmount ? `${input}` : "") ?? [];
  return amount === undefined ? undefined : Number(amount) * (SIZE_UNITS.get(unit) ?? 1);
}

function isMatch(input: unknown, pattern: RegExp): boolean {
  return typeof input === "string" && pattern.test(input);
}

function isPlain(input: unknown): boolean {
  return typeof input === "string" || typeof input === "number" || typeof input === "boolean";
}

function fold(word: string): string {
  return word.toLowerCase();
}
