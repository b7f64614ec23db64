import { connectReason, hasNoDescriptors, isOfThisMachine } from "../sockets/connect_error.ts";
import { CutOffResponseError } from "./response_reader.ts";
import { describeTlsFailure, TrustError, UnansweredClientError } from "./tls_failure.ts";

/** What sockets say besides why they do not connect, and what users call it. */
const BY_CODE = new Map([
  ["EPIPE", "connection closed"],
  ["EAI_AGAIN", "host name not found"],
]);

/** What the runtime says without a code. */
const BY_TEXT: readonly (readonly [pattern: RegExp, codeOrDescription: string])[] = [
  [/too many open files in system/i, "ENFILE"],
  [/too many open files/i, "EMFILE"],
  [/cannot assign requested address/i, "EADDRNOTAVAIL"],
  [/connection refused/i, "ECONNREFUSED"],
  [/connection reset|reset by peer/i, "ECONNRESET"],
  [
    /broken pipe|connection closed|closed connection|closed before message completed|unexpected eof/i,
    "EPIPE",
  ],
  [/dns error|failed to lookup|name or service not known/i, "ENOTFOUND"],
  [/timed out/i, "ETIMEDOUT"],
  [/network is unreachable/i, "ENETUNREACH"],
  [/unreachable|no route to host/i, "EHOSTUNREACH"],
];

/** Failures to connect. */
const UNSENT: ReadonlySet<string> = new Set([
  "EPERM",
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "EMFILE",
  "ENFILE",
]);

/**
 * Says why a call brought no response. The runtime's own texts hold addresses, the whole URL, and header values at times,
 * so only what is known to be harmless gets through.
 */
export function describeFailure(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return "unknown failure";
  if (error instanceof TrustError) return error.message;
  if (error.name === "TimeoutError") return `no complete response within ${timeoutMs / 1000} s`;
  if (error.name === "AbortError") return "given up";
  return ofConnection(error) ?? error.name;
}

/** Says why a response came in part only. */
export function breakOffReason(error: unknown): string {
  if (!(error instanceof Error)) return "unknown failure";
  if (error.name === "TimeoutError") return "the timeout was over";
  return ofConnection(error) ?? error.name;
}

/** Whether a call may have come to the endpoint before it failed like this. */
export function mayHaveBeenSent(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof UnansweredClientError) return true;
  return !isOfTrust(error) && !UNSENT.has(connectionCode(error) ?? "");
}

/** Whether a call failed for want of something that this machine lacks, which tells nothing of the endpoint. */
export function isForWant(error: unknown): boolean {
  return error instanceof Error && isOfThisMachine(connectionCode(error) ?? "");
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
  return error instanceof TrustError || isTlsFailure(error);
}

function ofConnection(error: Error): string | undefined {
  const found = connectionCode(error);
  if (found === undefined) return describeTlsFailure(textOf(error));
  return connectReason(found) ?? BY_CODE.get(found) ?? found;
}

/** The system's code for what has happened to a connection, or words for what has none. */
function connectionCode(error: Error): string | undefined {
  if (error instanceof CutOffResponseError) return "EPIPE";
  // There is one for each address of the host.
  const [first] = error instanceof AggregateError ? error.errors : [error];
  if (!(first instanceof Error)) return undefined;
  // Newer runtimes wrap what they throw.
  const causes = first.cause instanceof Error ? [first, first.cause] : [first];
  if (causes.some((cause) => cause instanceof Deno.errors.NotCapable)) return "EPERM";
  if (first instanceof Deno.errors.UnexpectedEof) return "EPIPE";
  if ("code" in first) return String(first.code);
  const text = textOf(first);
  if (describeTlsFailure(text) !== undefined) return undefined;
  const code = BY_TEXT.find(([pattern]) => pattern.test(text))?.[1];
  return code === "ENOTFOUND" && hasNoDescriptors() ? "EMFILE" : code;
}

function textOf(error: Error): string {
  const causes = error.cause instanceof Error ? [error, error.cause] : [error];
  return withoutUrls(causes.map(({ message }) => message).join(" "));
}

/** A URL could hold the very words that are looked for. */
function withoutUrls(text: string): string {
  return text.replaceAll(/https?:\/\/\S*/gi, "");
}
