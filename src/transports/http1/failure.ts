import { connectReason, isOfThisMachine } from "../sockets/connect_error.ts";
import { CutOffResponseError } from "./response_reader.ts";
import { describeTlsFailure, TrustError, UnansweredClientError } from "./tls_failure.ts";

/** Codes of sockets, other than failures to connect, and their texts for users. */
const BY_CODE = new Map([
  ["EPIPE", "connection closed"],
  ["EAI_AGAIN", "host name not found"],
]);

/** Texts of the runtime for connection failures without a code. */
const BY_TEXT: readonly (readonly [pattern: RegExp, code: string])[] = [
  [/connection reset|reset by peer/i, "ECONNRESET"],
  [/broken pipe|connection closed|closed connection|unexpected eof/i, "EPIPE"],
  [/timed out/i, "ETIMEDOUT"],
  [/network is unreachable/i, "ENETUNREACH"],
  [/unreachable|no route to host/i, "EHOSTUNREACH"],
];

/** Codes of failures to connect: nothing was sent. */
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

/** Describes why a call got no response. Only known texts of the runtime pass: others hold addresses and names. */
export function describeFailure(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return "unknown failure";
  if (error instanceof TrustError) return error.message;
  if (error.name === "TimeoutError") return `no complete response within ${timeoutMs / 1000} s`;
  if (error.name === "AbortError") return "given up";
  return ofConnection(error) ?? error.name;
}

/** Describes why a response was cut off. */
export function breakOffReason(error: unknown): string {
  const isTimeout = error instanceof Error && error.name === "TimeoutError";
  return isTimeout ? "the timeout was over" : describeFailure(error, Infinity);
}

/** Whether the request may have reached the endpoint before the call failed. */
export function mayHaveBeenSent(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof UnansweredClientError) return true;
  return !isRefusal(error) && !UNSENT.has(connectionCode(error) ?? "");
}

/** Whether this machine lacks a resource: such a failure says nothing about the endpoint. */
export function isLocal(error: unknown): boolean {
  return error instanceof Error && isOfThisMachine(connectionCode(error) ?? "");
}

/** Whether the other side closed the connection without a reason. */
export function isClosed(error: unknown): boolean {
  const reason = error instanceof Error ? ofConnection(error) : undefined;
  return reason === "connection closed" || reason === "connection reset";
}

/** Whether the TLS handshake failed, through either side. */
export function isTlsFailure(error: unknown): boolean {
  return error instanceof UnansweredClientError ||
    error instanceof Error && describeTlsFailure(error.message) !== undefined;
}

/** Whether one side rejected the other's certificate or credentials: every call fails until that is repaired. */
export function isRefusal(error: unknown): boolean {
  return error instanceof TrustError || isTlsFailure(error);
}

function ofConnection(error: Error): string | undefined {
  const found = connectionCode(error);
  if (found === undefined) return describeTlsFailure(error.message);
  return connectReason(found) ?? BY_CODE.get(found) ?? found;
}

/** The system's code for a connection failure, if there is one. */
function connectionCode(error: Error): string | undefined {
  if (error instanceof CutOffResponseError) return "EPIPE";
  if (error instanceof Deno.errors.NotCapable) return "EPERM";
  if (error instanceof Deno.errors.UnexpectedEof) return "EPIPE";
  if ("code" in error) return String(error.code);
  if (describeTlsFailure(error.message) !== undefined) return undefined;
  return BY_TEXT.find(([pattern]) => pattern.test(error.message))?.[1];
}
