import { escapeInvisible } from "../core/escaping.ts";
import type { Bytes } from "../core/event.ts";
import type { Redaction } from "./redaction.ts";

const STRICT_DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const MAX_CHARACTERS = 8192;

const BASE64_LINE = 100;

/** Bytes on one line, for keys and header values. */
export function valueText(bytes: Bytes | null, redaction: Redaction): string {
  if (bytes === null) return "(null)";
  if (bytes.length === 0) return "(empty)";
  const text = textOf(bytes);
  return text === null
    ? `${noText(bytes)} ${cut(redaction.ofBytes(bytes).toBase64()).text}`
    : cut(escapeInvisible(redaction.of(text))).text;
}

/** Bytes as lines: the lines of a UTF-8 text, or base64 for other bytes. Notes are in brackets. */
export function valueLines(bytes: Bytes, redaction: Redaction): readonly string[] {
  if (bytes.length === 0) return ["(empty)"];
  const text = textOf(bytes);
  const whole = text === null ? redaction.ofBytes(bytes).toBase64() : redaction.of(text);
  const { text: shown, isCut } = cut(whole);
  const lines = text === null
    ? [noText(bytes), ...piecesOf(shown)]
    : shown.split("\n").map((line) => escapeInvisible(line.replaceAll("\t", "    ")));
  return isCut ? [...lines, `(cut here; it has ${count(bytes)})`] : lines;
}

function textOf(bytes: Bytes): string | null {
  try {
    return STRICT_DECODER.decode(bytes);
  } catch {
    return null;
  }
}

function cut(text: string): { text: string; isCut: boolean } {
  const isCut = text.length > MAX_CHARACTERS;
  return { text: isCut ? text.slice(0, MAX_CHARACTERS).toWellFormed() : text, isCut };
}

function piecesOf(base64: string): readonly string[] {
  return base64.match(new RegExp(`.{1,${BASE64_LINE}}`, "g")) ?? [];
}

function noText(bytes: Bytes): string {
  return `(no UTF-8 text: ${count(bytes)}, in base64)`;
}

function count({ length }: Bytes): string {
  return `${length.toLocaleString("en")} byte${length === 1 ? "" : "s"}`;
}
