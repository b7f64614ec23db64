import type { z } from "zod";
import type { RoleConfig } from "../core/transport.ts";
import { isMapping, type Path, valueAt } from "../schema/document.ts";
import { FileText } from "../schema/texts.ts";
import { readExternalFile } from "./references.ts";
import type { ExternalValues } from "./external_values.ts";
import type { Finding } from "./problem.ts";
import {
  DEAD_LETTER_SCHEMAS,
  HANDLER_SCHEMAS,
  LISTENER_SCHEMAS,
  RESULT_PROCESSOR_SCHEMAS,
} from "../transports/schemas.ts";
import type { HiddenPaths } from "../schema/secrets.ts";
import { SECTION_EXTRAS } from "../schema/section.ts";
import { redactedUrl } from "../schema/url.ts";

/** A section of a pipeline, and the schema that its type names. */
export interface TypedSection {
  readonly path: Path;
  readonly section: unknown;
  readonly schema: z.ZodType<RoleConfig>;
}

/** The sections of a pipeline: their keys, their names in the JSON Schema, and their types. */
export const SECTIONS: readonly {
  readonly key: string;
  readonly id: string;
  readonly schemas: Readonly<Record<string, z.ZodType<RoleConfig>>>;
}[] = [
  { key: "eventListener", id: "listener", schemas: LISTENER_SCHEMAS },
  { key: "eventHandler", id: "handler", schemas: HANDLER_SCHEMAS },
  { key: "eventResultProcessor", id: "resultProcessor", schemas: RESULT_PROCESSOR_SCHEMAS },
  { key: "deadLetter", id: "deadLetter", schemas: DEAD_LETTER_SCHEMAS },
];

/** The sections of a pipeline with a known type; the schema reports the others. */
export function sectionsOf(document: unknown, pipelinePath: Path): readonly TypedSection[] {
  return SECTIONS.flatMap(({ key, schemas }) => {
    const path = [...pipelinePath, key];
    const value = valueAt(document, path);
    const paths: Path[] = Array.isArray(value) ? value.map((_, index) => [...path, index]) : [path];
    return paths.flatMap((path) => {
      const section = valueAt(document, path);
      const type = isMapping(section) ? section["type"] : undefined;
      const schema = Object.hasOwn(schemas, String(type)) ? schemas[String(type)] : undefined;
      return schema === undefined ? [] : [{ path, section, schema }];
    });
  });
}

export function sectionWarnings({ schema, section }: TypedSection): readonly string[] {
  return SECTION_EXTRAS.get(schema)?.warnings?.(section) ?? [];
}

/** Adds redacted copies of URLs with external values to the sections of a valid configuration. */
export function redactSections(
  config: unknown,
  sections: readonly TypedSection[],
  hidden: HiddenPaths,
): void {
  for (const { path, schema } of sections) {
    // By now, a single value is a list.
    const valid = Array.isArray(valueAt(config, path)) ? [...path, 0] : path;
    for (const { path: inner, copy } of SECTION_EXTRAS.get(schema)?.urls ?? []) {
      const parts = hidden.partsAt([...path, ...inner]);
      if (parts === undefined) continue;
      const owner = Object(valueAt(config, [...valid, ...copy.slice(0, -1)]));
      Reflect.set(owner, copy.at(-1) ?? "", redactedUrl(parts));
    }
  }
}

/** Replaces paths by the text of their files. Unreadable ones stay as written. */
export function readFiles(
  { path, section, schema }: TypedSection,
  { values, hidden }: { values: ExternalValues; hidden: HiddenPaths },
): readonly Finding[] {
  const findings: Finding[] = [];
  for (const file of SECTION_EXTRAS.get(schema)?.files ?? []) {
    const written = valueAt(section, file.path);
    if (typeof written !== "string" || written === "" || written === file.except) continue;
    const keyPath = [...path, ...file.path];
    const outcome = readExternalFile(written, { values, hidden: hidden.has(keyPath) });
    if ("value" in outcome) {
      const parent = valueAt(section, file.path.slice(0, -1));
      Reflect.set(Object(parent), file.path.at(-1) ?? "", new FileText(outcome.value));
    } else {
      findings.push({ path: keyPath, message: outcome.message });
    }
  }
  return findings;
}
