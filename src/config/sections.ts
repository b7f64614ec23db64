import type { z } from "zod";
import type { RoleConfig } from "../core/transport.ts";
import { isMapping, type Path, valueAt } from "../schema/document.ts";
import { FileText } from "../schema/texts.ts";
import { readExternalFile } from "./references.ts";
import type { ExternalValues } from "./external_values.ts";
import type { Finding } from "./problem.ts";
import { HANDLERS, LISTENERS, RESULT_PROCESSORS } from "../transports/mod.ts";
import {
  DEAD_LETTER_SCHEMAS,
  HANDLER_SCHEMAS,
  LISTENER_SCHEMAS,
  RESULT_PROCESSOR_SCHEMAS,
} from "../transports/schemas.ts";
import type { HiddenPaths } from "../schema/secrets.ts";
import { SECTION_EXTRAS } from "../schema/section.ts";
import { redactedUrl } from "../schema/url.ts";

/** The part of a role that this module needs. */
interface SectionRole {
  readonly schema: z.ZodType<RoleConfig>;
  readonly exclusive?: string;
}

/** A section of a pipeline, and the role that its type names. */
export interface RoleSection {
  readonly path: Path;
  readonly section: unknown;
  readonly role: SectionRole;
}

/** The roles of a pipeline: their keys in it, their names in the JSON Schema, and their types. */
export const ROLES: readonly {
  readonly key: string;
  readonly id: string;
  readonly roles: Readonly<Record<string, SectionRole>>;
}[] = [
  { key: "eventListener", id: "listener", roles: sectionRoles(LISTENERS, LISTENER_SCHEMAS) },
  { key: "eventHandler", id: "handler", roles: sectionRoles(HANDLERS, HANDLER_SCHEMAS) },
  {
    key: "eventResultProcessor",
    id: "resultProcessor",
    roles: sectionRoles(RESULT_PROCESSORS, RESULT_PROCESSOR_SCHEMAS),
  },
  {
    key: "deadLetter",
    id: "deadLetter",
    roles: sectionRoles(RESULT_PROCESSORS, DEAD_LETTER_SCHEMAS),
  },
];

function sectionRoles<Type extends string>(
  roles: Readonly<Record<Type, { readonly exclusive?: string }>>,
  schemas: Readonly<Record<Type, z.ZodType<RoleConfig>>>,
): Readonly<Record<string, SectionRole>> {
  const types = Object.keys(schemas) as Type[];
  return Object.fromEntries(
    types.map((type) => [type, { ...roles[type], schema: schemas[type] }]),
  );
}

/** The sections of a pipeline with a known type; the schema reports the others. */
export function sectionsOf(document: unknown, pipelinePath: Path): readonly RoleSection[] {
  return ROLES.flatMap(({ key, roles }) => {
    const path = [...pipelinePath, key];
    const value = valueAt(document, path);
    const places: Path[] = Array.isArray(value)
      ? value.map((_, index) => [...path, index])
      : [path];
    return places.flatMap((place) => {
      const section = valueAt(document, place);
      const type = isMapping(section) ? section["type"] : undefined;
      const role = typeof type === "string" && Object.hasOwn(roles, type) ? roles[type] : undefined;
      return role === undefined ? [] : [{ path: place, section, role }];
    });
  });
}

export function sectionWarnings({ role, section }: RoleSection): readonly string[] {
  return SECTION_EXTRAS.get(role.schema)?.warnings?.(section) ?? [];
}

/** Adds redacted copies of URLs with external values to the sections of a valid configuration. */
export function redactSections(
  config: unknown,
  sections: readonly RoleSection[],
  hidden: HiddenPaths,
): void {
  for (const { path, role } of sections) {
    // By now, a single value is a list.
    const place = Array.isArray(valueAt(config, path)) ? [...path, 0] : path;
    for (const { path: inner, copy } of SECTION_EXTRAS.get(role.schema)?.urls ?? []) {
      const parts = hidden.partsAt([...path, ...inner]);
      if (parts === undefined) continue;
      const owner = Object(valueAt(config, [...place, ...copy.slice(0, -1)]));
      Reflect.set(owner, copy.at(-1) ?? "", redactedUrl(parts));
    }
  }
}

/** Replaces paths by the text of their files. Unreadable ones stay as written. */
export function readFiles(
  { path, section, role }: RoleSection,
  { values, hidden }: { values: ExternalValues; hidden: HiddenPaths },
): readonly Finding[] {
  const findings: Finding[] = [];
  for (const file of SECTION_EXTRAS.get(role.schema)?.files ?? []) {
    const written = valueAt(section, file.path);
    if (typeof written !== "string" || written === "" || written === file.except) continue;
    const place = [...path, ...file.path];
    const outcome = readExternalFile(written, { values, hidden: hidden.has(place) });
    if ("value" in outcome) {
      const parent = valueAt(section, file.path.slice(0, -1));
      Reflect.set(Object(parent), file.path.at(-1) ?? "", new FileText(outcome.value));
    } else {
      findings.push({ path: place, message: outcome.message });
    }
  }
  return findings;
}
