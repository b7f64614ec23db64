import { quoted } from "./found.ts";
import type { Outside } from "./outside.ts";
import type { Finding, Path } from "./problem.ts";
import { HiddenPlaces, isSecretPlace } from "./secrets.ts";

// A literal `${`, a reference, or a reference without an end.
const REFERENCE = /\$\$\{|\$\{([^}]*)\}|\$\{/g;
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;
const HELP = "write ${env:NAME} or ${file:/path}, or $${ for a literal ${";

/** A document without references. Text with a problem is left as it was. */
export interface ResolvedDocument {
  readonly document: unknown;
  readonly findings: readonly Finding[];
  readonly hidden: HiddenPlaces;
}

/**
 * Puts environment variables and files in place of `${env:NAME}`, `${env:NAME:-default}` and `${file:/path}`. The
 * default stands in for an empty variable, too. What is put in is not searched for references again.
 */
export function resolveReferences(document: unknown, outside: Outside): ResolvedDocument {
  const findings: Finding[] = [];
  const hidden = new HiddenPlaces();

  function resolve(value: unknown, path: Path): unknown {
    if (typeof value === "string") return resolveText(value, path);
    if (Array.isArray(value)) return value.map((item, index) => resolve(item, [...path, index]));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, resolve(item, [...path, key])]),
    );
  }

  function resolveText(text: string, path: Path): string {
    const isSecret = isSecretPlace(path);
    let isWhole = true;
    const resolved = text.replace(REFERENCE, (match: string, body: string | undefined) => {
      if (match === "$${") return "${";
      const outcome = body === undefined
        ? { message: `a reference without its '}': ${HELP}` }
        : lookUp(body, { outside, isSecret });
      if ("value" in outcome) {
        hidden.add(path);
        return outcome.value;
      }
      findings.push({ path, message: outcome.message });
      isWhole = false;
      return "";
    });
    return isWhole ? resolved : text;
  }

  return { document: resolve(document, []), findings, hidden };
}

/** Reads a file for a configuration; the message names it unless its path is hidden. */
export function readOutside(
  path: string,
  { outside, hidden }: { outside: Outside; hidden: boolean },
): { value: string } | { message: string } {
  try {
    return { value: outside.readFile(path) };
  } catch (error) {
    const reason = error instanceof Error ? ` (${error.name})` : "";
    return { message: `cannot read the file ${hidden ? "***" : quoted(path)}${reason}` };
  }
}

function lookUp(
  body: string,
  { outside, isSecret }: { outside: Outside; isSecret: boolean },
): { value: string } | { message: string } {
  const [, prefix = "", rest = ""] = /^(env:|file:|event\.|response\.)?(.*)$/s.exec(body) ?? [];
  if (prefix === "env:") return lookUpVariable(rest, { outside, isSecret });
  if (prefix === "file:") {
    const outcome = readOutside(rest, { outside, hidden: isSecret });
    return "value" in outcome ? { value: outcome.value.replace(/\r?\n$/, "") } : outcome;
  }
  if (prefix !== "") return { message: `templates are not supported yet: ${HELP}` };
  // What looks like a reference in a secret may be a part of the secret.
  return {
    message: `unknown reference${isSecret ? "" : ` ${quoted("${" + body + "}")}`}: ${HELP}`,
  };
}

function lookUpVariable(
  rest: string,
  { outside, isSecret }: { outside: Outside; isSecret: boolean },
): { value: string } | { message: string } {
  const [, name, fallback] = VARIABLE.exec(rest) ?? [];
  if (name === undefined) {
    const found = isSecret ? "" : `, found ${quoted(rest)}`;
    return { message: `expected the name of an environment variable${found}` };
  }
  const value = outside.env(name);
  if (value !== undefined && (value !== "" || fallback === undefined)) return { value };
  if (fallback !== undefined) return { value: fallback };
  return { message: `the environment variable ${quoted(name)} is not set` };
}
