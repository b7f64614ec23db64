import { assert, assertEquals } from "@std/assert";
import { isMapping, valueAt } from "../../src/schema/document.ts";
import { configJsonSchema } from "../../src/config/mod.ts";

const SCHEMA = configJsonSchema();

Deno.test("configJsonSchema() describes a list of pipelines or a mapping with them", () => {
  assertEquals(SCHEMA["$schema"], "https://json-schema.org/draft/2020-12/schema");
  assertEquals(valueAt(SCHEMA, ["anyOf", 0, "items"]), { $ref: "#/$defs/pipeline" });
  assertEquals(valueAt(SCHEMA, ["anyOf", 1, "required"]), ["pipelines"]);
  assertEquals(valueAt(SCHEMA, ["anyOf", 1, "properties", "shutdownTimeout", "default"]), "25s");
});

Deno.test("configJsonSchema() gives editors types, defaults and words", () => {
  const pipeline = valueAt(SCHEMA, ["$defs", "pipeline"]);
  assertEquals(valueAt(pipeline, ["required"]), ["name", "eventListener", "eventHandler"]);
  assertEquals(valueAt(pipeline, ["properties", "logLevel", "anyOf", 0, "enum"]), [
    "DEBUG",
    "INFO",
    "WARN",
    "ERROR",
    0,
    1,
    2,
    3,
  ]);
  const listener = valueAt(SCHEMA, ["$defs", "listener", "oneOf", 0, "properties"]);
  assertEquals(
    valueAt(listener, ["consumerConfig", "properties", "session.timeout.ms"]),
    {
      anyOf: [
        { type: "integer", minimum: 1, maximum: 3_600_000 },
        { type: "string", pattern: "^-?[0-9]+$|\\$\\{(env|file):" },
      ],
      description: "How long the group waits for a heartbeat before it removes a member " +
        "(librdkafka: 45000)",
      default: 30_000,
    },
  );
});

Deno.test("configJsonSchema() describes every key and admits no others", () => {
  function check(schema: unknown, path: string): void {
    if (Array.isArray(schema)) {
      schema.forEach((part, index) => check(part, `${path}[${index}]`));
    }
    if (!isMapping(schema)) return;
    const { properties } = schema;
    if (isMapping(properties)) {
      assertEquals(schema["additionalProperties"], false, path);
      for (const [key, property] of Object.entries(properties)) {
        assert(valueAt(property, ["description"]) !== undefined, `${path}.${key}`);
      }
    }
    for (const [key, part] of Object.entries(schema)) check(part, `${path}.${key}`);
  }
  check(SCHEMA, "");
});
