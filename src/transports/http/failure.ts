import { EncodingError } from "./content_encoding.ts";
import { InvalidResponseError } from "./response_head.ts";
import { CutOffResponseError } from "./response_reader.ts";

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
  ["EPERM", "the sandbox does not allow this host"],
  ["EMFILE", "too many open connections: raise the limit of open files (ulimit -n)"],
]);

/** What the runtime's TLS says; it has no codes. */
const BY_TEXT: readonly (readonly [pattern: RegExp, description: string])[] = [
  [/certificate/i, "certificate not accepted"],
  [/corrupt message|InvalidContentType/i, "no TLS: the port may be one for http://"],
  [/close_notify|unexpected eof/i, "connection closed"],
];

/** Says why a call brought no response. Texts may hold more than a log should, so only what is known gets through. */
export function describeFailure(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return "unknown failure";
  if (error.name === "TimeoutError") return `no complete response within ${timeoutMs / 1000} s`;
  if (error.name === "AbortError") return "given up";
  if (error instanceof Deno.errors.NotCapable) return "the sandbox does not allow this host";
  if (error instanceof CutOffResponseError) {
    return error.hasBegun ? "response broken off" : "connection closed";
  }
  if (error instanceof InvalidResponseError) return `no valid HTTP response: ${error.message}`;
  if (error instanceof EncodingError) return error.message;
  // One for each address of the host.
  if (error instanceof AggregateError && error.errors.length > 0) {
    return describeFailure(error.errors[0], timeoutMs);
  }
  const code = "code" in error ? String(error.code) : "";
  const known = BY_TEXT.find(([pattern]) => pattern.test(error.message));
  return BY_CODE.get(code) ?? known?.[1] ?? (code || error.name);
}
