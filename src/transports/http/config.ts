import { z } from "zod";
import { onFailureSchema, onTombstoneSchema, retrySchema } from "../../config/failures.ts";
import {
  choice,
  duration,
  REFERENCE_PATTERN,
  type Scalar,
  size,
  textOf,
  toSchema,
} from "../../config/scalar.ts";
import { section } from "../../config/section.ts";
import type { FailureConfig } from "../../failure_policy.ts";
import { isHost } from "../../host.ts";
import { headersSchema } from "./config_headers.ts";
import { TOKEN } from "./token.ts";

/** The endpoint that is called for each event. */
export interface HttpHandlerConfig extends FailureConfig {
  readonly type: "http";
  readonly method: string;
  readonly url: string;
  /** Names as they are written; no name stands twice. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  /** What of a `Retry-After` is heeded at most. */
  readonly maxRetryAfterMs: number;
  readonly redirect: "follow" | "manual";
}

// The one makes a tunnel of a connection, the others must have no body (RFC 9110, 9.3.6 and 9.3.8).
const FORBIDDEN_METHODS = new Set(["CONNECT", "TRACE", "TRACK"]);

const method = textOf("an HTTP method other than CONNECT, TRACE and TRACK", {
  json: { examples: ["POST", "PUT", "PATCH"] },
  check(text) {
    const upper = text.toUpperCase();
    return TOKEN.test(text) && !FORBIDDEN_METHODS.has(upper) ? upper : undefined;
  },
});

const expectedUrl = "an http:// or https:// URL";

const url: Scalar<string> = {
  expected: expectedUrl,
  json: { type: "string", pattern: `^https?://|${REFERENCE_PATTERN}` },
  read(input) {
    const parsed = typeof input === "string" && !/[\p{Cc} ]/u.test(input) ? URL.parse(input) : null;
    // A message would show what is in the URL.
    const mayHoldSecret = typeof input === "string" && /[@?]/.test(input);
    if (parsed === null || !/^https?:\/\//i.test(String(input))) {
      return mayHoldSecret ? { refused: `expected ${expectedUrl}` } : { expected: expectedUrl };
    }
    if (parsed.username !== "" || parsed.password !== "") {
      return {
        refused: "expected a URL without user name and password: send an Authorization header",
      };
    }
    if (!isHost(parsed.hostname)) {
      return {
        refused: "expected a URL that names one host, by letters, digits, '.', '-' and '_'",
      };
    }
    if (parsed.href.includes("#")) {
      return { refused: "expected a URL without '#': servers never see what follows it" };
    }
    return { value: parsed.href };
  },
};

/** Reads the `eventHandler` section of type `http`. */
export const httpHandlerSchema: z.ZodType<HttpHandlerConfig> = section({
  type: z.literal("http").describe("Sends each event to an HTTP endpoint"),
  method: toSchema(method).prefault("POST").describe("The HTTP method of the request"),
  url: toSchema(url).describe("The http:// or https:// URL that events are sent to"),
  headers: headersSchema.prefault({}).describe(
    "Headers of the request; without a `Content-Type`, the one of the event or `application/text`",
  ),
  timeout: toSchema(duration({ min: "1ms", max: "24h" })).prefault("30s").describe(
    "How long a call may take, with its response's body",
  ),
  maxResponseBytes: toSchema(size({ min: "1", max: "1GiB" })).prefault("900KiB").describe(
    "How large a response's body may be, after decoding; a larger one is not read, and counts as an error response",
  ),
  redirect: toSchema(choice({ follow: "follow" as const, manual: "manual" as const }))
    .prefault("follow").describe(
      "`follow`: 307 and 308 on the same origin are followed, 5 at most, and other redirects are error responses; `manual`: each redirect is a success, with its `location` in the result's headers",
    ),
  retry: retrySchema,
  maxRetryAfter: toSchema(duration({ min: "0", max: "24h" })).prefault("5m").describe(
    "How long a pause a response may ask for by `Retry-After`; with `retry` only",
  ),
  onFailure: onFailureSchema,
  onTombstone: onTombstoneSchema,
}).transform(({ timeout, maxRetryAfter, ...others }) => ({
  ...others,
  timeoutMs: timeout,
  maxRetryAfterMs: maxRetryAfter,
}));
