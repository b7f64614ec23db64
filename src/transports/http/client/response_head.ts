import { Buffer } from "node:buffer";
import type { Bytes } from "../../../core/event.ts";
import { TOKEN } from "../token.ts";

/** How the end of a body is known: by its length in bytes, by its last chunk, or by the end of the connection. */
export type Framing = number | "chunked" | "untilClosed";

/** What a response says of itself before its body. */
export interface ResponseHead {
  readonly status: number;
  /** By names in lower case; the values of a name that comes more than once are joined by `, `. */
  readonly headers: ReadonlyMap<string, string>;
  readonly framing: Framing;
  /** Whether a further request may be sent on the connection once the response is complete. */
  readonly keepsConnection: boolean;
}

/** What came is not a response as RFC 9112 describes them. The message holds nothing of what came. */
export class InvalidResponseError extends Error {
  override readonly name = "InvalidResponseError";
}

const STATUS_LINE = /^HTTP\/1\.([0-9]) ([1-9][0-9]{2})(?: |$)/;
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;

/**
 * Reads a head (RFC 9112, 4 and 5). Its lines may end by a line feed alone (2.2); a header that goes on in a further line
 * is refused (5.2).
 *
 * @param bytes the lines, with or without the empty one at their end
 * @param method of the request, in upper case
 * @throws {InvalidResponseError}
 */
export function parseHead(bytes: Bytes, method: string): ResponseHead {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  const [statusLine = "", ...lines] = text.trimEnd().split(/\r?\n/);
  const [, minorVersion, statusText] = STATUS_LINE.exec(statusLine) ?? [];
  if (statusText === undefined) throw new InvalidResponseError("there is no status line");
  const status = Number(statusText);
  const headers = parseHeaders(lines);
  const framing = framingOf(status, headers, method);
  return {
    status,
    headers,
    framing,
    keepsConnection: keepsConnection(headers, Number(minorVersion)) &&
      framing !== "untilClosed" && !mayHaveBody(status, headers, method),
  };
}

function parseHeaders(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (!TOKEN.test(name)) throw new InvalidResponseError("a line is not a header");
    const value = line.slice(colon + 1).trim();
    if (CONTROL.test(value)) throw new InvalidResponseError("a header holds a control character");
    const previous = headers.get(name);
    headers.set(name, previous === undefined ? value : `${previous}, ${value}`);
  }
  return headers;
}

/** RFC 9112, 6.3. */
function framingOf(
  status: number,
  headers: ReadonlyMap<string, string>,
  method: string,
): Framing {
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return 0;
  const transferEncoding = headers.get("transfer-encoding");
  if (transferEncoding !== undefined) {
    if (transferEncoding.toLowerCase() === "chunked") return "chunked";
    throw new InvalidResponseError("its transfer encoding is not 'chunked'");
  }
  const contentLength = headers.get("content-length");
  return contentLength === undefined ? "untilClosed" : parseLength(contentLength);
}

/** The same length may come several times (RFC 9110, 8.6). */
function parseLength(contentLength: string): number {
  const [length = "", ...others] = listOf(contentLength);
  if (!/^[0-9]{1,15}$/.test(length) || others.some((other) => other !== length)) {
    throw new InvalidResponseError("its length is not a number");
  }
  return Number(length);
}

/** RFC 9112, 9.3. */
function keepsConnection(headers: ReadonlyMap<string, string>, minorVersion: number): boolean {
  const options = listOf(headers.get("connection")?.toLowerCase() ?? "");
  if (options.includes("close")) return false;
  const hasEncoding = headers.has("transfer-encoding");
  // What has both is either wrong or forged, and the older version has no such encoding (RFC 9112, 6.1).
  if (hasEncoding && (headers.has("content-length") || minorVersion === 0)) return false;
  return minorVersion > 0 || options.includes("keep-alive");
}

/** Whether a body may follow that must not: what came of it later would be taken for the next response. */
function mayHaveBody(
  status: number,
  headers: ReadonlyMap<string, string>,
  method: string,
): boolean {
  if (method === "HEAD") return true;
  if (status !== 204 && status !== 304) return false;
  return headers.has("transfer-encoding") || (headers.get("content-length") ?? "0") !== "0";
}

/** The members of a list; empty ones do not count (RFC 9110, 5.6.1). */
function listOf(value: string): string[] {
  return value.split(/[\t ]*,[\t ]*/).filter((member) => member !== "");
}
