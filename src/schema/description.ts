import { escapeInvisible } from "../core/escaping.ts";
import { FileText, TemplateText } from "./texts.ts";

const MAX_LENGTH = 60;

/** Describes a value in messages. A hidden one shows only its kind. */
export function describeValue(value: unknown, { hidden }: { hidden: boolean }): string {
  if (value === null || value === undefined) return "nothing";
  if (value === "") return "empty text";
  if (typeof value === "string") return hidden ? "***" : quoted(withoutCredentials(value));
  if (typeof value === "number") return hidden ? "a number" : `the number ${value}`;
  if (typeof value === "boolean") return hidden ? "a boolean" : String(value);
  if (value instanceof FileText) return "a file";
  if (value instanceof TemplateText) return "a template, which is not allowed here";
  return Array.isArray(value) ? "a list" : "a mapping";
}

function withoutCredentials(text: string): string {
  return text.replace(/\/\/[^/]*@/g, "//***@");
}

/**
 * A key in messages. Without a space behind the colon, YAML reads the value as part of the key, and it may be a secret.
 */
export function describeKey(key: string): string {
  return quoted(key.replace(/^([\w.-]+ ?[:=]).+$/s, "$1***"));
}

/** Text in quotes, clipped and escaped. */
export function quoted(text: string): string {
  const clipped = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}...` : text;
  return `'${escapeInvisible(clipped)}'`;
}
