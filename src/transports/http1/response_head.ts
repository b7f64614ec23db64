import type { Bytes } from "../../core/event.ts";
import { latin1, type ResponseHeaders, TOKEN } from "./http_response.ts";

/** What ends a body: its length in bytes, its last chunk, or the end of the connection. */
export type Framing = number | "chunked" | "untilClosed";

export interface ResponseHead {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly framing: Framing;
  /** How long the connection can wait for another request, once the response is complete; 0 if it takes none. */
  readonly keepMs: number;
  readonly isOfHttp10: boolean;
}

/** The endpoint sent something that RFC 9112 does not allow. The message holds nothing of it. */
export class InvalidResponseError extends Error {
  override readonly name = "InvalidResponseError";
}

const NO_STATUS_LINE = "there is no status line";
/** The first characters of every head. */
const BEGINNING = "HTTP/1.";
/** How far to look for the status in an incomplete head. */
const STATUS_END = 64;
/** The first bytes of the alert that a TLS server sends to a plain HTTP client (RFC 8446, 5.1). */
const TLS_ALERT = 0x15;
const TLS_MAJOR_VERSION = 3;

/** White space of any length may stand before and behind the status (RFC 9112, 4). */
const STATUS_LINE = /^HTTP\/1\.([0-9])[ \t]+([1-9][0-9]{2})(?:[ \t\r\n]|$)/;
/** Headers with one value, to which a proxy may add its own. Like Node.js and Go, eventor takes the first one. */
const OF_ONE_VALUE: ReadonlySet<string> = new Set(["content-type", "location", "retry-after"]);

const KEEP_ALIVE_TIMEOUT = /(?:^|[\s,;])timeout\s*=\s*"?(\d{1,9})(?!\d)/i;
const KEEP_ALIVE_MAX = /(?:^|[\s,;])max\s*=\s*"?(\d{1,9})(?!\d)/i;

// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;
/** Dangerous anywhere (RFC 9110, 5.5; RFC 9112, 2.2). Other characters of a reason phrase do not matter. */
const DANGEROUS = /[\0\r]/;

/**
 * Parses a head (RFC 9112, 4 and 5). It accepts what other clients accept: lines that end with a line feed alone (2.2),
 * headers folded over several lines (5.2), white space before a colon (5.1), and any white space in a status line (4).
 *
 * @param bytes the whole head, including the empty line at its end
 * @param method of the request, in upper case
 * @throws {InvalidResponseError}
 */
export function parseHead(bytes: Bytes, method: string): ResponseHead {
  const text = latin1(bytes);
  const [statusLine = "", ...lines] = text.split(/\r?\n/).slice(0, -2);
  const [, minorVersion, statusText] = STATUS_LINE.exec(statusLine) ?? [];
  if (statusText === undefined) throw new InvalidResponseError(NO_STATUS_LINE);
  if (DANGEROUS.test(statusLine)) {
    throw new InvalidResponseError("its status line holds a NUL or a carriage return");
  }
  const status = Number(statusText);
  const headers = parseHeaders(lines);
  const framing = framingOf(status, headers, method);
  const isOfHttp10 = minorVersion === "0";
  const isKept = framing !== "untilClosed" && keepsConnection(headers, isOfHttp10) &&
    !mayHaveBody(status, headers, method);
  const keepMs = isKept ? keepAliveMs(headers.get("keep-alive")) : 0;
  return { status, headers, framing, keepMs, isOfHttp10 };
}

/** Reads only the status of a head, complete or not; null if there is none. */
export function statusOf(bytes: Bytes): number | null {
  const status = STATUS_LINE.exec(latin1(bytes.subarray(0, STATUS_END)))?.[2];
  return status === undefined ? null : Number(status);
}

/**
 * Checks the first bytes of an incomplete head, as a server of another protocol may send its greeting and then wait:
 * the head would never be complete.
 *
 * @throws {InvalidResponseError} when no head begins like this
 */
export function checkBeginning(bytes: Bytes): void {
  const beginning = latin1(bytes.subarray(0, BEGINNING.length));
  if (BEGINNING.startsWith(beginning)) return;
  const isTls = bytes[0] === TLS_ALERT && bytes[1] === TLS_MAJOR_VERSION;
  throw new InvalidResponseError(
    isTls ? "the endpoint speaks TLS: write https://" : NO_STATUS_LINE,
  );
}

/**
 * Parses the lines of headers or trailers, without their line ends.
 *
 * @throws {InvalidResponseError}
 */
export function parseHeaders(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of unfolded(lines)) {
    const colon = line.indexOf(":");
    const name = withoutSpaces(line.slice(0, Math.max(colon, 0))).toLowerCase();
    if (!isName(name)) throw new InvalidResponseError("a line is not a header");
    const value = withoutSpaces(line.slice(colon + 1));
    if (CONTROL.test(value)) throw new InvalidResponseError("a header holds a control character");
    const previous = headers.get(name);
    if (previous !== undefined && OF_ONE_VALUE.has(name)) continue;
    const separator = name === "set-cookie" ? "\n" : ", ";
    headers.set(name, previous === undefined ? value : previous + separator + value);
  }
  return headers;
}

/** Several words are not a valid name, but every widely used client accepts such headers. */
function isName(text: string): boolean {
  return text.split(/ +/).every((word) => TOKEN.test(word));
}

/** Joins the lines of each folded header with a space (RFC 9112, 5.2). */
function unfolded(lines: readonly string[]): readonly string[] {
  if (!lines.some(isContinuation)) return lines;
  const headers: string[][] = [];
  for (const line of lines) {
    const text = withoutSpaces(line);
    if (!isContinuation(line)) headers.push([text]);
    else if (headers.length > 0) headers.at(-1)?.push(text);
    else throw new InvalidResponseError("its first header has no name");
  }
  return headers.map((parts) => parts.join(" "));
}

function isContinuation(line: string): boolean {
  return line.startsWith(" ") || line.startsWith("\t");
}

/**
 * Removes spaces and tabs at both ends (RFC 9110, 5.6.3). `trim()` would also remove other bytes, such as the last one
 * of an `à` in UTF-8. A regular expression would take seconds for 64 KiB of spaces.
 */
function withoutSpaces(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** RFC 9112, 6.3. */
function framingOf(
  status: number,
  headers: ResponseHeaders,
  method: string,
): Framing {
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return 0;
  // Older servers write 'identity' for no transfer coding.
  const codings = listOf(headers.get("transfer-encoding")?.toLowerCase() ?? "")
    .filter((coding) => coding !== "identity");
  if (codings.length > 0) {
    if (codings.length === 1 && codings[0] === "chunked") return "chunked";
    throw new InvalidResponseError("its transfer encoding is not 'chunked'");
  }
  const contentLength = headers.get("content-length");
  return contentLength === undefined ? "untilClosed" : parseLength(contentLength);
}

/** Accepts equal lengths (RFC 9110, 8.6). A length beyond 2^53 loses precision, but is too large anyway. */
function parseLength(contentLength: string): number {
  const lengths = listOf(contentLength);
  if (lengths.length === 0 || !lengths.every((text) => /^[0-9]+$/.test(text))) {
    throw new InvalidResponseError("its Content-Length is not a number");
  }
  const [length = 0, ...others] = new Set(lengths.map(Number));
  if (others.length > 0) throw new InvalidResponseError("it has conflicting Content-Length values");
  return length;
}

/** RFC 9112, 9.3. */
function keepsConnection(headers: ResponseHeaders, isOfHttp10: boolean): boolean {
  const options = listOf(headers.get("connection")?.toLowerCase() ?? "");
  if (options.includes("close")) return false;
  const hasEncoding = headers.has("transfer-encoding");
  // Both together are wrong or forged, and HTTP/1.0 has no transfer encoding (RFC 9112, 6.1).
  if (hasEncoding && (headers.has("content-length") || isOfHttp10)) return false;
  return !isOfHttp10 || options.includes("keep-alive");
}

/**
 * How long the server keeps an idle connection, by its `Keep-Alive` header: `timeout=5, max=100` (RFC 2068, 19.7.1.1).
 * The last second of a timeout is not used, because a request takes time to arrive; below two seconds, the second half
 * is not. An unreadable value sets no limit.
 */
function keepAliveMs(value = ""): number {
  const [, max] = KEEP_ALIVE_MAX.exec(value) ?? [];
  if (max !== undefined && Number(max) === 0) return 0;
  const timeoutMs = 1000 * Number(KEEP_ALIVE_TIMEOUT.exec(value)?.[1] ?? Infinity);
  return Math.max(timeoutMs - 1000, timeoutMs / 2);
}

/** Whether a forbidden body may follow: if it arrives late, it would pass for the next response. */
function mayHaveBody(
  status: number,
  headers: ResponseHeaders,
  method: string,
): boolean {
  if (method === "HEAD") return true;
  if (status !== 204 && status !== 304) return false;
  return headers.has("transfer-encoding") || (headers.get("content-length") ?? "0") !== "0";
}

/** The members of a list, without empty ones (RFC 9110, 5.6.1). */
function listOf(value: string): string[] {
  return value.split(",").map(withoutSpaces).filter((member) => member !== "");
}
