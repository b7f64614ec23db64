import { type HiddenPaths, isHidden, isSecretPath, type WrittenPart } from "../schema/secrets.ts";
import type { Path } from "../schema/document.ts";
import { TemplateText } from "../schema/texts.ts";

/** Names, sources and destinations, which the log shows everywhere. */
const NAMES = new Set([
  "address",
  "bootstrap.servers",
  "client.id",
  "group.id",
  "metadata.broker.list",
  "name",
  "topic",
  "topics",
  "type",
]);

/**
 * The texts of a document to redact: secrets and external values, except names, sources and destinations. Headers may
 * be harmless: only their external values are included.
 */
export function secretTexts(document: unknown, hidden: HiddenPaths): readonly string[] {
  return textsOf(document, []).flatMap(({ path, parts }) => {
    const written = hidden.partsAt(path) ?? parts;
    if (isSecretPath(path) && !path.includes("headers")) {
      return written.flatMap((part) =>
        isHidden(part) ? [part.hidden] : typeof part === "string" ? [part] : []
      );
    }
    if (path.some((key) => NAMES.has(String(key)))) return [];
    return written.filter(isHidden).map(({ hidden }) => hidden);
  }).map(withoutOrigin).filter((text) => text !== "");
}

interface TextAt {
  readonly path: Path;
  readonly parts: readonly WrittenPart[];
}

function textsOf(value: unknown, path: Path): readonly TextAt[] {
  if (typeof value === "string") return [{ path, parts: [value] }];
  if (value instanceof TemplateText) return [{ path, parts: value.template.parts }];
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => textsOf(item, [...path, index]));
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => textsOf(item, [...path, key]));
}

/** Hosts are no secret: the sandbox names them. */
function withoutOrigin(text: string): string {
  return text.replace(/^https?:\/\/[^/?#\\]*\/?/i, "");
}
