import { placeholdersOf } from "../core/template.ts";
import { LISTENERS, ORIGIN_FACTS } from "../transports/mod.ts";
import { isMapping, type Path, valueAt } from "../schema/document.ts";
import { quoted } from "../schema/description.ts";
import type { Finding } from "./problem.ts";
import { isSecretPath } from "../schema/secrets.ts";
import { TemplateText } from "../schema/texts.ts";

const FACTS_BY_TYPE = new Map<unknown, readonly string[]>(
  Object.entries(LISTENERS).map(([type, { facts }]) => [type, facts]),
);

/**
 * Placeholders of a pipeline for facts that its listener's events do not have. Without a valid listener, those that no
 * listener's events have.
 */
export function unknownFacts(pipeline: unknown, path: Path): readonly Finding[] {
  const type = valueAt(pipeline, ["eventListener", "type"]);
  const facts = FACTS_BY_TYPE.get(type) ?? [...ORIGIN_FACTS];
  return findings(pipeline, { path, facts });
}

function findings(
  value: unknown,
  { path, facts }: { path: Path; facts: readonly string[] },
): readonly Finding[] {
  if (value instanceof TemplateText) {
    const unknown = placeholdersOf(value.template).find(({ source }) =>
      source.kind === "fact" && !facts.includes(source.name)
    );
    if (unknown === undefined) return [];
    const found = isSecretPath(path) ? "" : ` ${quoted("${" + unknown.name + "}")}`;
    return [{ path, message: `the listener's events have no such value${found}: ${help(facts)}` }];
  }
  if (!Array.isArray(value) && !isMapping(value)) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    findings(item, { path: [...path, Array.isArray(value) ? Number(key) : key], facts })
  );
}

function help(facts: readonly string[]): string {
  const known = ["key", ...facts, "timestamp", "headers.NAME"].map((name) => `\${event.${name}}`);
  return `write ${known.join(", ")} or \${event.value.FIELD}`;
}
