import { quoted } from "../schema/description.ts";
import { type ExternalValues, FileError } from "./external_values.ts";
import { parsePlaceholder, type Placeholder, type Template } from "../core/template.ts";
import type { Path } from "../schema/document.ts";
import type { Finding } from "./problem.ts";
import { HiddenPaths, isHidden, isSecretPath, type WrittenPart } from "../schema/secrets.ts";
import { TemplateText } from "../schema/texts.ts";

// A literal `${`, a reference, or a reference without an end.
const REFERENCE = /\$\$\{|\$\{([^}]*)\}|\$\{/g;
/** Limit of the characters that all references insert together: many may name the same large file. */
const MAX_INSERTED = 16 * 1024 * 1024;
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;
const HELP = "write ${env:NAME} or ${file:/path}, or $${ for a literal ${";
const TEMPLATE_HELP =
  "write ${event.key}, ${event.timestamp}, ${event.headers.NAME}, ${event.value.FIELD}, ${response.status}, " +
  "${response.headers.NAME} or ${response.body.FIELD}, or $${ for a literal ${";

/** A document with references resolved. Text with a problem stays as written. */
export interface ResolvedDocument {
  readonly document: unknown;
  readonly findings: readonly Finding[];
  readonly hidden: HiddenPaths;
}

/**
 * Replaces `${env:NAME}`, `${env:NAME:-default}` and `${file:/path}` by environment variables and files. The default
 * also replaces an empty variable. Inserted values are not searched for references. A text with `${event...}` or
 * `${response...}` becomes a `TemplateText`.
 */
export function resolveReferences(document: unknown, values: ExternalValues): ResolvedDocument {
  const findings: Finding[] = [];
  const hidden = new HiddenPaths();
  let inserted = 0;

  function resolve(value: unknown, path: Path): unknown {
    if (typeof value === "string") return resolveText(value, path);
    if (Array.isArray(value)) return value.map((item, index) => resolve(item, [...path, index]));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, resolve(item, [...path, key])]),
    );
  }

  function resolveText(text: string, path: Path): string | TemplateText {
    const isSecret = isSecretPath(path);
    const parts: Template["parts"][number][] = [];
    const written: WrittenPart[] = [];
    let isWhole = true;
    let literal = "";
    let position = 0;
    for (const { 0: match, 1: body, index } of text.matchAll(REFERENCE)) {
      const before = text.slice(position, index) + (match === "$${" ? "${" : "");
      literal += before;
      if (before !== "") written.push(before);
      position = index + match.length;
      if (match === "$${") continue;
      if (inserted > MAX_INSERTED) return text;
      const outcome = body === undefined
        ? { message: `a reference without a closing '}': ${HELP}` }
        : lookUp(body, { values, isSecret });
      if ("value" in outcome) {
        inserted += outcome.value.length;
        if (inserted > MAX_INSERTED) {
          findings.push({
            path,
            message: "all references together insert more than 16 MiB of text",
          });
          return text;
        }
        literal += outcome.value;
        written.push({ hidden: outcome.value });
      } else if ("placeholder" in outcome) {
        if (literal !== "") parts.push(literal);
        parts.push(outcome.placeholder);
        written.push(outcome.placeholder);
        literal = "";
      } else {
        findings.push({ path, message: outcome.message });
        isWhole = false;
      }
    }
    const rest = text.slice(position);
    literal += rest;
    if (rest !== "") written.push(rest);
    if (written.some(isHidden)) hidden.add(path, written);
    if (!isWhole) return text;
    if (parts.length === 0) return literal;
    return new TemplateText({ parts: literal === "" ? parts : [...parts, literal] });
  }

  return { document: resolve(document, []), findings, hidden };
}

/** Reads a file for a configuration. The message names the file, unless its path is hidden. */
export function readExternalFile(
  path: string,
  { values, hidden }: { values: ExternalValues; hidden: boolean },
): { value: string } | { message: string } {
  try {
    return { value: values.readFile(path) };
  } catch (error) {
    const reason = reasonOf(error);
    // The user may have written a key instead of its path: the message must not show it.
    const isText = hidden || /[\r\n]|-----BEGIN/.test(path);
    return { message: `cannot read the file ${isText ? "***" : quoted(path)}${reason}` };
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof FileError) return `: ${error.message}`;
  return error instanceof Error ? ` (${error.name})` : "";
}

function lookUp(
  body: string,
  { values, isSecret }: { values: ExternalValues; isSecret: boolean },
): { value: string } | { placeholder: Placeholder } | { message: string } {
  if (body.includes("{")) {
    return { message: "a default cannot hold '{': a reference ends at the first '}'" };
  }
  const [, prefix = "", rest = ""] = /^(env:|file:|event\.|response\.)?(.*)$/s.exec(body) ?? [];
  if (prefix === "env:") return lookUpVariable(rest, { values, isSecret });
  if (prefix === "file:") {
    const outcome = readExternalFile(rest, { values, hidden: isSecret });
    return "value" in outcome ? { value: outcome.value.replace(/\r?\n$/, "") } : outcome;
  }
  if (prefix !== "") {
    const placeholder = parsePlaceholder(body);
    if (placeholder !== null) return { placeholder };
    const found = isSecret ? "" : ` ${quoted("${" + body + "}")}`;
    return { message: `unknown template variable${found}: ${TEMPLATE_HELP}` };
  }
  // An apparent reference in a secret may be part of the secret.
  return {
    message: `unknown reference${isSecret ? "" : ` ${quoted("${" + body + "}")}`}: ${HELP}`,
  };
}

function lookUpVariable(
  rest: string,
  { values, isSecret }: { values: ExternalValues; isSecret: boolean },
): { value: string } | { message: string } {
  const [, name, fallback] = VARIABLE.exec(rest) ?? [];
  if (name === undefined) {
    const found = isSecret ? "" : `, found ${quoted(rest)}`;
    return { message: `expected the name of an environment variable${found}` };
  }
  const value = values.env(name);
  if (value !== undefined && (value !== "" || fallback === undefined)) return { value };
  if (fallback !== undefined) return { value: fallback };
  return { message: `the environment variable ${quoted(name)} is not set` };
}
