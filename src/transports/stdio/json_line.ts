import type { Bytes, RecordHeader } from "../../core/event.ts";
import type { OutboundRecord } from "../../core/result_processor.ts";

const TEXT_ENCODER = new TextEncoder();
const STRICT_DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
// Part of the language, but not yet of the compiler's library.
const { rawJSON, isRawJSON } = JSON as typeof JSON & {
  rawJSON(text: string): object;
  isRawJSON(value: unknown): boolean;
};

/** What a line in `format: json` holds. */
export type JsonRecord = Pick<OutboundRecord, "key" | "value" | "headers">;

/**
 * Parses `{"key": …, "value": …, "headers": [["name", …], …]}`. Each … is a text, `{"base64": "…"}` for bytes that are
 * not UTF-8, or null. A `value` of another type stands for its JSON text. Absent members are null, or no headers.
 *
 * @throws {SyntaxError} for any other line; the message holds nothing of the line
 */
export function parseJsonLine(line: Bytes): JsonRecord {
  const record = parseObject(line);
  const unknown = Object.keys(record).find((name) => !["key", "value", "headers"].includes(name));
  if (unknown !== undefined) {
    throw new SyntaxError("expected an object with key, value and headers only");
  }
  const { key = null, value = null, headers = [] } = record;
  const keyBytes = toBytes(key);
  if (keyBytes === undefined) throw new SyntaxError("expected 'key' to be a text, base64 or null");
  return {
    key: keyBytes,
    value: toBytes(value) ?? (value === null ? null : TEXT_ENCODER.encode(JSON.stringify(value))),
    headers: parseHeaders(headers),
  };
}

/** The counterpart of {@linkcode parseJsonLine}, without a newline. */
export function formatJsonLine({ key, value, headers }: JsonRecord): string {
  return JSON.stringify({
    key: fromBytes(key),
    value: fromBytes(value),
    headers: headers.map(([name, value]) => [name, fromBytes(value)]),
  });
}

function parseObject(line: Bytes): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(STRICT_DECODER.decode(line), keepNumber);
  } catch {
    throw new SyntaxError("expected one JSON object in UTF-8");
  }
  if (
    typeof parsed !== "object" || parsed === null || Array.isArray(parsed) || isRawJSON(parsed)
  ) {
    throw new SyntaxError("expected a JSON object");
  }
  return { ...parsed };
}

/** Numbers keep their text: many ids have more digits than a JavaScript number. */
function keepNumber(_name: string, value: unknown, { source }: { source?: string } = {}): unknown {
  return typeof value === "number" && source !== undefined ? rawJSON(source) : value;
}

function parseHeaders(headers: unknown): RecordHeader[] {
  const problem =
    "expected 'headers' to be a list of [name, value] with values as texts, base64 or null";
  if (!Array.isArray(headers)) throw new SyntaxError(problem);
  return headers.map((header) => {
    if (!Array.isArray(header) || header.length !== 2) throw new SyntaxError(problem);
    const [name, value] = header;
    const bytes = toBytes(value);
    if (typeof name !== "string" || bytes === undefined) throw new SyntaxError(problem);
    return [name, bytes];
  });
}

/** Undefined for a value that represents no bytes. */
function toBytes(value: unknown): Bytes | null | undefined {
  if (value === null) return null;
  if (typeof value === "string") return TEXT_ENCODER.encode(value);
  if (typeof value !== "object" || Array.isArray(value)) return undefined;
  const entries = Object.entries(value ?? {});
  const [name, base64] = entries[0] ?? [];
  if (entries.length !== 1 || name !== "base64" || typeof base64 !== "string") return undefined;
  return decodeBase64(base64);
}

function fromBytes(bytes: Bytes | null): string | { base64: string } | null {
  if (bytes === null) return null;
  try {
    return STRICT_DECODER.decode(bytes);
  } catch {
    return { base64: bytes.toBase64() };
  }
}

function decodeBase64(text: string): Bytes {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    throw new SyntaxError("expected 'base64' to be valid base64");
  }
}
