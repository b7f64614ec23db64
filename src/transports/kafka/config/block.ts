import { isMapping } from "../../../schema/document.ts";
import type { JsonSchema, Reading } from "../../../schema/scalar.ts";
import { unknownKey } from "../../../schema/section.ts";
import { type ConfigKey, isNamed, type MappedKeys, type ValuesOf } from "./keys/config_key.ts";
import type { CONNECTION_KEYS } from "./keys/connection.ts";
import type { SECURITY_KEYS } from "./keys/security.ts";

/** The keys that `consumerConfig` or `producerConfig` may hold. */
export interface BlockKeys<Mapped> {
  readonly mapped: Mapped;
  /** All keys of the block, including those of `mapped`. */
  readonly keys: readonly ConfigKey[];
  /** Keys that belong to the other block. */
  readonly foreign: { readonly block: string; readonly keys: readonly ConfigKey[] };
}

/** A parsed block; `values` are valid only if there are no problems. */
export interface Block<Mapped> {
  readonly values: ValuesOf<Mapped>;
  readonly problems: readonly BlockProblem[];
  readonly warnings: readonly string[];
  /** The name under which the user wrote a key; `undefined` when absent. */
  writtenAs(field: keyof Mapped): string | undefined;
}

type ClientKeys = typeof CONNECTION_KEYS & typeof SECURITY_KEYS;

/** The keys that consumers and producers share, as parsed. */
export type ClientBlock = Block<ClientKeys>;

/** The program's name of such a key. */
export type ClientField = keyof ClientKeys;

/** A problem with one key, or with the whole block when `key` is absent. */
export type BlockProblem =
  & { readonly key?: string }
  & Exclude<Reading<unknown>, { value: unknown }>;

/** Parses a block of librdkafka's keys. */
export function readBlock<Mapped extends MappedKeys>(
  input: unknown,
  { mapped, keys, foreign }: BlockKeys<Mapped>,
): Block<Mapped> {
  const problems: BlockProblem[] = [];
  const warnings: string[] = [];
  const values = new Map<ConfigKey, { value: unknown; name: string }>();
  const entries = isMapping(input) ? Object.entries(input) : [];
  if (!isMapping(input)) problems.push({ expected: "a mapping" });

  for (const [name, written] of entries) {
    const key = keys.find((candidate) => isNamed(candidate, name));
    if (key === undefined) {
      problems.push(describeUnknown(name, { keys, foreign }));
    } else if (key.policy === "refuse") {
      problems.push({ key: name, refused: key.meaning });
    } else if (key.policy === "warn") {
      warnings.push(`${name} ${key.meaning}`);
    } else {
      readKey(key, { name, written });
    }
  }

  function readKey(key: ConfigKey, { name, written }: { name: string; written: unknown }): void {
    const reading = key.scalar?.read(written) ?? { value: undefined };
    if (!("value" in reading)) {
      problems.push({ key: name, ...reading });
      return;
    }
    const other = values.get(key);
    if (other !== undefined && JSON.stringify(other.value) !== JSON.stringify(reading.value)) {
      problems.push({
        key: name,
        refused: `another value than '${other.name}', which means the same`,
      });
    }
    values.set(key, { value: reading.value, name });
  }

  return {
    values: Object.fromEntries(
      Object.entries(mapped).map(([field, key]) => {
        const found = values.get(key);
        return [field, found === undefined ? defaultOf(key) : found.value];
      }),
    ) as ValuesOf<Mapped>,
    problems,
    warnings,
    writtenAs: (field) => {
      const key = mapped[field];
      return entries.map(([name]) => name).find((name) => key !== undefined && isNamed(key, name));
    },
  };
}

/** The values of some keys of a block, without those that are absent. */
export function valuesOf<Keys extends object>(values: ValuesOf<Keys>, keys: Keys): ValuesOf<Keys> {
  const present = Object.entries(values)
    .filter(([field, value]) => field in keys && value !== undefined);
  return Object.fromEntries(present) as ValuesOf<Keys>;
}

/** The JSON schema of a block, for editors. */
export function blockJsonSchema({ keys }: { keys: readonly ConfigKey[] }): JsonSchema {
  const usable = keys.filter(({ policy }) => policy !== "refuse");
  return {
    type: "object",
    properties: Object.fromEntries(
      usable.flatMap((key) => key.names.map((name) => [name, keyJsonSchema(key)])),
    ),
    additionalProperties: false,
  };
}

function keyJsonSchema(key: ConfigKey): JsonSchema {
  return {
    ...(key.scalar?.json ?? { type: ["string", "number", "boolean"] }),
    description: key.policy === "warn" ? `It ${key.meaning}` : key.meaning,
    ...(key.default === undefined ? {} : { default: key.default }),
    ...(key.policy === "warn" ? { deprecated: true } : {}),
  };
}

function defaultOf(key: ConfigKey): unknown {
  if (key.default === undefined) return undefined;
  const reading = key.scalar?.read(key.default);
  return reading !== undefined && "value" in reading ? reading.value : undefined;
}

function describeUnknown(
  name: string,
  { keys, foreign }: Pick<BlockKeys<unknown>, "keys" | "foreign">,
): BlockProblem {
  if (foreign.keys.some((candidate) => isNamed(candidate, name))) {
    return { key: name, refused: `belongs to a ${foreign.block}` };
  }
  const known = keys.filter(({ policy }) => policy !== "refuse").flatMap(({ names }) => names);
  return { refused: unknownKey(name, known) };
}
