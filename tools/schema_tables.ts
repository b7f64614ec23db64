import { isMapping, type Mapping, valueAt } from "../src/schema/document.ts";
import { configJsonSchema } from "../src/config/schema.ts";
import { SECTIONS } from "../src/config/sections.ts";
import type { ConfigKey } from "../src/transports/kafka/config/keys/config_key.ts";
import {
  KEYS_OF_BOTH,
  KEYS_OF_CONSUMER,
  KEYS_OF_PRODUCER,
} from "../src/transports/kafka/config/keys/mod.ts";

/** A table in a page of `docs/`; cells are Markdown. */
interface KeyTable {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Keys of librdkafka have tables of their own, with keys beyond the schema's. */
const CLIENT_BLOCKS = new Set(["consumerConfig", "producerConfig"]);

/** The tables of `docs/` in Markdown, by their titles: all keys of a file, and the keys of Kafka clients. */
export function keyTables(): ReadonlyMap<string, string> {
  const schema = configJsonSchema();
  const tables = [
    propertyTable("The file", valueAt(schema, ["anyOf", 1])),
    propertyTable("A pipeline", valueAt(schema, ["$defs", "pipeline"])),
  ];
  for (const { key, id, schemas } of SECTIONS) {
    const variants = valueAt(schema, ["$defs", id, "oneOf"]);
    for (const [index, type] of Object.keys(schemas).entries()) {
      const schema = valueAt(variants, [index]);
      tables.push(propertyTable(`${code(key)} of type ${code(type)}`, schema));
      tables.push(...tablesOfMappings(schema, key));
    }
  }
  return new Map([...tables, ...KAFKA_TABLES].map((table) => [table.title, formatTable(table)]));
}

const POLICIES: readonly ConfigKey["policy"][] = ["map", "fixed", "warn", "refuse"];

const KAFKA_TABLES: readonly KeyTable[] = [
  kafkaTable("Keys of both `consumerConfig` and `producerConfig`", KEYS_OF_BOTH),
  kafkaTable("Keys of `consumerConfig` alone", KEYS_OF_CONSUMER),
  kafkaTable("Keys of `producerConfig` alone", KEYS_OF_PRODUCER),
];

/** A table for each mapping of a section with known keys, and for each of its types. */
function tablesOfMappings(schema: unknown, section: string): KeyTable[] {
  const properties = valueAt(schema, ["properties"]);
  return Object.entries(isMapping(properties) ? properties : {})
    .filter(([key]) => !CLIENT_BLOCKS.has(key))
    .flatMap(([key, property]) => {
      const title = (type: string) => `${code(key)}${type} of an ${code(section)}`;
      if (isMapping(valueAt(property, ["properties"]))) return [propertyTable(title(""), property)];
      const variants = valueAt(property, ["oneOf"]);
      return (Array.isArray(variants) ? variants : []).map((variant) => {
        const type = valueAt(variant, ["properties", "type", "const"]);
        return propertyTable(title(` of type ${code(type)}`), variant);
      });
    });
}

function propertyTable(title: string, schema: unknown): KeyTable {
  const properties = valueAt(schema, ["properties"]);
  const required = valueAt(schema, ["required"]);
  const rows = Object.entries(isMapping(properties) ? properties : {}).map(([key, property]) => [
    code(key),
    typeWords(property),
    Array.isArray(required) && required.includes(key)
      ? "required"
      : defaultWords(valueAt(property, ["default"])),
    String(valueAt(property, ["description"]) ?? ""),
  ]);
  return { title, head: ["Key", "Type", "Default", "Meaning"], rows };
}

function typeWords(property: unknown): string {
  if (!isMapping(property)) return "";
  const { enum: words, examples, const: constant, anyOf, oneOf, type, $ref: reference } = property;
  if (constant !== undefined) return code(constant);
  if (Array.isArray(words)) return words.map(code).join(", ");
  if (Array.isArray(examples)) return `text such as ${code(examples[0])}`;
  if (Array.isArray(anyOf)) return variantWords(anyOf.filter(isMapping));
  if (reference !== undefined || oneOf !== undefined) return "mapping";
  return { string: "text", object: "mapping", array: "list" }[String(type)] ?? String(type);
}

function variantWords(variants: readonly Mapping[]): string {
  const list = variants.find(({ type }) => type === "array");
  if (list !== undefined) return `${typeWords(list["items"])}; one or a list`;
  return typeWords(variants[0]);
}

function defaultWords(value: unknown): string {
  if (value === undefined) return "";
  return isMapping(value) ? "none" : code(value);
}

function formatTable({ title, head, rows }: KeyTable): string {
  const lines = [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.map(escape).join(" | ")} |`);
  return `### ${title}\n\n${lines.join("\n")}`;
}

function escape(cell: string): string {
  return cell.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function code(value: unknown): string {
  return `\`${value}\``;
}

/** Keys that are ignored or refused for the same reason share a row. */
function kafkaTable(title: string, keys: readonly ConfigKey[]): KeyTable {
  const rows = new Map<string, string[]>();
  for (const key of POLICIES.flatMap((policy) => keys.filter((key) => key.policy === policy))) {
    const names = key.names.map((name) => `\`${name}\``).join(", ");
    const fate = fateOf(key);
    const group = key.policy === "warn" || key.policy === "refuse" ? fate : names;
    const row = rows.get(group);
    if (row === undefined) {
      rows.set(group, [names, key.default === undefined ? "" : `\`${key.default}\``, fate]);
    } else {
      row[0] += `, ${names}`;
    }
  }
  return { title, head: ["Key", "Default", "In eventor"], rows: [...rows.values()] };
}

function fateOf({ policy, meaning }: ConfigKey): string {
  if (policy === "warn") return `Accepted with a warning: ${meaning}`;
  return policy === "refuse" ? `Refused: ${meaning}` : meaning;
}
