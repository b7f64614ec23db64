import { formatTemplate, type Template } from "../core/template.ts";
import { isHidden, type WrittenPart } from "./secrets.ts";

/** Replaces hidden text. */
export const HIDDEN = "***";

const ORIGIN = /^https?:\/\/[^/?#\\]*/i;

/**
 * A URL for display: external values are hidden, except scheme, host and port, which the sandbox names.
 *
 * @param parts of the URL as written
 */
export function shownUrl(parts: readonly WrittenPart[]): Template {
  const shown: Template["parts"][number][] = [];
  let origin = "";
  let text = "";
  let isOrigin = true;
  for (const part of parts) {
    if (typeof part === "object" && !isHidden(part)) {
      shown.push(text, part);
      text = "";
      continue;
    }
    let rest = isHidden(part) ? part.hidden : part;
    if (isOrigin) {
      const all = origin + rest;
      const length = ORIGIN.exec(all)?.[0].length ?? all.length;
      isOrigin = length === all.length;
      rest = all.slice(length);
      origin = all.slice(0, length);
    }
    text += isHidden(part) ? concealed(rest) : rest;
  }
  const [first = "", ...others] = [...shown, text];
  const known = URL.parse(origin)?.origin ?? HIDDEN;
  const path = typeof first === "string" && /^[/?]/.test(first) ? first : `/${first}`;
  return { parts: [known + path, ...others.filter((part) => part !== "")] };
}

function concealed(text: string): string {
  const slash = text.startsWith("/") ? "/" : "";
  return text === slash ? slash : slash + HIDDEN;
}

/** A URL for display, without its query, which may hold secrets. */
export function withoutQuery(url: string, shown?: Template | undefined): string {
  return (shown === undefined ? url : formatTemplate(shown)).replace(/\?.*$/s, "");
}
