import { isMapping, type Mapping, valueAt } from "../schema/document.ts";
import { configJsonSchema } from "./schema.ts";
import { type KeyTable, SECTION_EXTRAS } from "../schema/section.ts";
import { ROLES } from "./sections.ts";

/** Sections with tables of their own, as they have keys beyond the schema's. */
const CLIENT_BLOCKS = new Set(["consumerConfig", "producerConfig"]);

/** The tables of `docs/` in Markdown, by their titles: all keys of a file, and the keys of Kafka clients. */
export function keyTables(): ReadonlyMap<string, string> {
  const schema = configJsonSchema();
  const tables = [
    propertyTable("The file", valueAt(schema, ["anyOf", 1])),
    propertyTable("A pipeline", valueAt(schema, ["$defs", "pipeline"])),
  ];
  const extraTables: KeyTable[] = [];
  for (const { key, id, roles } of ROLES) {
    const variants = valueAt(schema, ["$defs", id, "oneOf"]);
    for (const [index, [type, role]] of Object.entries(roles).entries()) {
      const schema = valueAt(variants, [index]);
      tables.push(propertyTable(`${code(key)} of type ${code(type)}`, schema));
      tables.push(...tablesOfMappings(schema, key));
      extraTables.push(...SECTION_EXTRAS.get(role.schema)?.tables ?? []);
    }
  }
  return new Map([...tables, ...extraTables].map((table) => [table.title, formatTable(table)]));
}

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
