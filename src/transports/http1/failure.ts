import { connectReason, isOfThisMachine } from "../sockets/connect_error.ts";
import { CutOffResponseError } from "./response_reader.ts";
import { describeTlsFailure, TrustError, UnansweredClientError } from "./tls_failure.ts";

/** What sockets say besides why they do not connect, and what users call it. */
const BY_CODE = new Map([
  ["EPIPE", "connection closed"],
  ["EAI_AGAIN", "host name not found"],
]);

/** What the runtime says of connections without a code. */
const BY_TEXT: readonly (readonly [pattern: RegExp, code: string])[] = [
  [/connection reset|reset by peer/i, "ECONNRESET"],
  [/broken pipe|connection closed|closed connection|unexpected eof/i, "EPIPE"],
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
 * Says why a call brought no response. The runtime's own texts hold addresses and names, so only what is known to be harmless gets through.
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
    error instanceof Error && describeTlsFailure(error.message) !== undefined;
}

/** Whether a call failed because one side could not show who it is: without a repair, each call does. */
export function isOfTrust(error: unknown): boolean {
  return error instanceof TrustError || isTlsFailure(error);
}

function ofConnection(error: Error): string | undefined {
  const found = connectionCode(error);
  if (found === undefined) return describeTlsFailure(error.message);
  return connectReason(found) ?? BY_CODE.get(found) ?? found;
}

/** The system's code for what has happened to a connection, if there is one. */
function connectionCode(error: Error): string | undefined {
  if (error instanceof CutOffResponseError) return "EPIPE";
  if (error instanceof Deno.errors.NotCapable) return "EPERM";
  if (error instanceof Deno.errors.UnexpectedEof) return "EPIPE";
  if ("code" in error) return String(error.code);
  if (describeTlsFailure(error.message) !== undefined) return undefined;
  return BY_TEXT.find(([pattern]) => pattern.test(error.message))?.[1];
}
