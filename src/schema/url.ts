import { formatTemplate, type Template } from "../core/template.ts";
import { isHidden, type WrittenPart } from "./secrets.ts";

/** Stands for redacted text. */
export const REDACTED = "***";

const ORIGIN = /^https?:\/\/[^/?#\\]*/i;

/**
 * A valid URL for display: external values are redacted, except scheme, host and port, which the sandbox names.
 *
 * @param parts of the URL as written
 */
export function redactedUrl(parts: readonly WrittenPart[]): Template {
  const texts = parts.map(textOf);
  const [origin = ""] = ORIGIN.exec(texts.join("")) ?? [];
  let originRest = origin.length;
  const shown = parts.map((part, index) => {
    const text = texts[index] ?? "";
    const rest = text.slice(originRest);
    originRest = Math.max(0, originRest - text.length);
    if (isHidden(part)) return redacted(rest);
    return typeof part === "string" ? rest : part;
  }).filter((part) => part !== "");
  const slash = /^[/?]/.test(String(shown[0])) ? "" : "/";
  return { parts: [(URL.parse(origin)?.origin ?? REDACTED) + slash, ...shown] };
}

function textOf(part: WrittenPart): string {
  return isHidden(part) ? part.hidden : typeof part === "string" ? part : "";
}

function redacted(text: string): string {
  const slash = text.startsWith("/") ? "/" : "";
  return text === slash ? slash : slash + REDACTED;
}

/** A URL for display, without its query, which may hold secrets. */
export function withoutQuery(url: string, shown?: Template | undefined): string {
  return (shown === undefined ? url : formatTemplate(shown)).replace(/\?.*$/s, "");
}
