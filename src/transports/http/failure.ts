import { TokenError } from "../oauth2/token_error.ts";
import { EncodingError } from "./content_encoding.ts";
import { InvalidResponseError } from "./client/response_head.ts";
import { CutOffResponseError } from "./client/response_reader.ts";
import { describeTlsFailure, UnansweredClientError } from "./tls_failure.ts";

const NO_FILES = "too many open connections: raise the limit of open files (ulimit -n)";
const NOT_ALLOWED = "the sandbox does not allow this host";

/** What sockets say, and what users call it. */
const BY_CODE = new Map([
  ["ECONNREFUSED", "connection refused"],
  ["ECONNRESET", "connection reset"],
  ["EPIPE", "connection closed"],
  ["ENOTFOUND", "host name not found"],
  ["EAI_AGAIN", "host name not found"],
  ["ETIMEDOUT", "connection timed out"],
  ["EHOSTUNREACH", "host unreachable"],
  ["ENETUNREACH", "host unreachable"],
  ["EPERM", NOT_ALLOWED],
  ["EMFILE", NO_FILES],
]);

/** What `fetch` says. */
const BY_TEXT: readonly (readonly [pattern: RegExp, description: string])[] = [
  [/connection refused/i, "connection refused"],
  [/connection reset|reset by peer/i, "connection reset"],
  [
    /broken pipe|connection closed|closed connection|closed before message completed|unexpected eof/i,
    "connection closed",
  ],
  [/dns error|failed to lookup|name or service not known/i, "host name not found"],
  [/timed out/i, "connection timed out"],
  [/unreachable/i, "host unreachable"],
  [/invalid HTTP|message head|invalid header/i, "no valid HTTP response"],
  [/gzip|deflate|brotli|unexpected end of file/i, "response not encoded as it says"],
  [/error reading a body/i, "response broken off"],
];

/** Failures to connect. */
const UNSENT: ReadonlySet<string> = new Set([
  NOT_ALLOWED,
  "connection refused",
  "host name not found",
  "host unreachable",
  NO_FILES,
]);

/**
 * Says why a call brought no response. The runtime's own texts hold addresses, the whole URL, and header values at times,
 * so only what is known to be harmless gets through.
 */
export function describeFailure(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return "unknown failure";
  if (error instanceof TokenError || error instanceof UnansweredClientError) return error.message;
  if (error.name === "TimeoutError") return `no complete response within ${timeoutMs / 1000} s`;
  if (error.name === "AbortError") return "given up";
  return ofResponse(error) ?? ofConnection(error) ?? error.name;
}

/** Whether a call may have come to the endpoint before it failed like this. */
export function mayHaveBeenSent(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof UnansweredClientError) return true;
  return !isOfTrust(error) && !UNSENT.has(ofConnection(error) ?? "");
}

/** Whether the other side has closed the connection without saying why. */
export function isClosed(error: unknown): boolean {
  const reason = error instanceof Error ? ofConnection(error) : undefined;
  return reason === "connection closed" || reason === "connection reset";
}

/** Whether the two sides did not come to terms by TLS. */
export function isTlsFailure(error: unknown): boolean {
  return error instanceof UnansweredClientError ||
    error instanceof Error && describeTlsFailure(textOf(error)) !== undefined;
}

/** Whether a call failed because one side could not show who it is: without a repair, each call does. */
export function isOfTrust(error: unknown): boolean {
  return error instanceof TokenError || isTlsFailure(error);
}

function ofResponse(error: Error): string | undefined {
  if (error instanceof CutOffResponseError) {
    return error.hasHead ? "response broken off" : "connection closed";
  }
  if (error instanceof InvalidResponseError) return `no valid HTTP response: ${error.message}`;
  if (error instanceof EncodingError) return error.message;
  return undefined;
}

function ofConnection(error: Error): string | undefined {
  // There is one for each address of the host.
  const [first] = error instanceof AggregateError ? error.errors : [error];
  if (!(first instanceof Error)) return undefined;
  // Newer runtimes wrap what they throw.
  const causes = first.cause instanceof Error ? [first, first.cause] : [first];
  if (causes.some((cause) => cause instanceof Deno.errors.NotCapable)) return NOT_ALLOWED;
  if (first instanceof Deno.errors.UnexpectedEof) return "connection closed";
  const code = "code" in first ? String(first.code) : undefined;
  if (code !== undefined) return BY_CODE.get(code) ?? code;
  const text = textOf(first);
  return describeTlsFailure(text) ?? BY_TEXT.find(([pattern]) => pattern.test(text))?.[1];
}

function textOf(error: Error): string {
  const causes = error.cause instanceof Error ? [error, error.cause] : [error];
  return withoutUrls(causes.map(({ message }) => message).join(" "));
}

/** A URL could hold the very words that are looked for. */
function withoutUrls(text: string): string {
  return text.replaceAll(/https?:\/\/\S*/gi, "");
}
