import { TokenError } from "../oauth2/token_error.ts";
import { EncodingError } from "./content_encoding.ts";
import { InvalidResponseError } from "./client/response_head.ts";
import { CutOffResponseError } from "./client/response_reader.ts";

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
    /broken pipe|connection closed|closed before message completed|unexpected eof/i,
    "connection closed",
  ],
  [/dns error|failed to lookup|name or service not known/i, "host name not found"],
  [/corrupt message/i, "no TLS: the port may be one for http://"],
  [/certificate/i, "certificate not accepted"],
  [/timed out/i, "connection timed out"],
  [/unreachable/i, "host unreachable"],
  [/invalid HTTP|message head|invalid header/i, "no valid HTTP response"],
  [/gzip|deflate|brotli|unexpected end of file/i, "response not encoded as it says"],
  [/error reading a body/i, "response broken off"],
];

/** Failures to find out who the other side is: without a repair, each call has them. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  "certificate not accepted",
  "no TLS: the port may be one for http://",
]);

/** Failures to connect. */
const UNSENT: ReadonlySet<string> = new Set([
  ...UNTRUSTED,
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
  if (error instanceof TokenError) return error.message;
  if (error.name === "TimeoutError") return `no complete response within ${timeoutMs / 1000} s`;
  if (error.name === "AbortError") return "given up";
  return ofResponse(error) ?? ofConnection(error) ?? error.name;
}

/** Whether a call may have come to the endpoint before it failed like this. */
export function mayHaveBeenSent(error: unknown): boolean {
  if (error instanceof TokenError) return false;
  return !(error instanceof Error) || !UNSENT.has(ofConnection(error) ?? "");
}

/** Whether a call failed because one side could not show who it is. */
export function isOfTrust(error: unknown): boolean {
  return error instanceof TokenError ||
    error instanceof Error && UNTRUSTED.has(ofConnection(error) ?? "");
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
  const code = "code" in first ? String(first.code) : undefined;
  if (code !== undefined) return BY_CODE.get(code) ?? code;
  const text = withoutUrls(causes.map(({ message }) => message).join(" "));
  return BY_TEXT.find(([pattern]) => pattern.test(text))?.[1];
}

/** A URL could hold the very words that are looked for. */
function withoutUrls(text: string): string {
  return text.replaceAll(/https?:\/\/\S*/gi, "");
}
