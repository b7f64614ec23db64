import { z } from "zod";
import { onFailureSchema, onTombstoneSchema, retrySchema } from "../../schema/failures.ts";
import {
  choice,
  duration,
  type Reading,
  REFERENCE_PATTERN,
  type Scalar,
  size,
  textOf,
  toSchema,
} from "../../schema/scalar.ts";
import { section, SECTION_EXTRAS } from "../../schema/section.ts";
import type { FailureConfig } from "../../core/failure_policy.ts";
import { HTTP_URL, readHttpUrl } from "../../schema/http_url.ts";
import { TemplateText } from "../../schema/texts.ts";
import {
  formatTemplate,
  isOfResponse,
  placeholdersOf,
  type Template,
} from "../../core/template.ts";
import { type AuthConfig, authHeaderName, authSchema, authWarnings } from "./config_auth.ts";
import { forwardHeadersSchema, headersSchema } from "./config_headers.ts";
import type { HttpTlsConfig } from "../http1/stream.ts";
import { tlsSchema, tlsWarnings } from "./config_tls.ts";
import { TOKEN } from "../http1/http_response.ts";
import { parseUrlTemplate, type UrlTemplate } from "./url_template.ts";

/** The endpoint that is called for each event. */
export interface HttpHandlerConfig extends FailureConfig {
  readonly type: "http";
  readonly method: string;
  /** If it has placeholders, only scheme, host and port are final. */
  readonly url: string;
  readonly urlTemplate?: UrlTemplate;
  /** The URL with external values redacted, for logs; absent if it has none. */
  readonly redactedUrl?: Template;
  /** Names as written; none occurs twice, in whatever case. */
  readonly headers: readonly (readonly [name: string, value: string | Template])[];
  /** Names of event headers to forward, and patterns that end in `*`. */
  readonly forwardHeaders: readonly string[];
  readonly auth?: AuthConfig;
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  /** The longest pause that a `Retry-After` can cause. */
  readonly maxRetryAfterMs: number;
  readonly redirect: "follow" | "manual";
  /** Only with an https:// URL. */
  readonly tls?: HttpTlsConfig;
}

// CONNECT makes the connection a tunnel; TRACE and TRACK allow no body (RFC 9110, 9.3.6 and 9.3.8).
const FORBIDDEN_METHODS = new Set(["CONNECT", "TRACE", "TRACK"]);

const method = textOf("an HTTP method other than CONNECT, TRACE and TRACK", {
  json: { examples: ["POST", "PUT", "PATCH"] },
  check(text) {
    const upper = text.toUpperCase();
    return TOKEN.test(text) && !FORBIDDEN_METHODS.has(upper) ? upper : undefined;
  },
});

interface ConfiguredUrl {
  readonly url: string;
  readonly urlTemplate?: UrlTemplate;
}

const url: Scalar<ConfiguredUrl> = {
  expected: HTTP_URL,
  json: { type: "string", pattern: `^https?://|${REFERENCE_PATTERN}` },
  read(input) {
    if (!(input instanceof TemplateText)) {
      const reading = readUrl(input);
      return "value" in reading ? { value: { url: reading.value.href } } : reading;
    }
    const { template } = input;
    if (placeholdersOf(template).some(isOfResponse)) {
      return { refused: "there is no response yet: write '${event...}'" };
    }
    let refused = `expected ${HTTP_URL} with templates in its path and query alone`;
    const urlTemplate = parseUrlTemplate(template, (text) => {
      const reading = readUrl(text);
      if ("refused" in reading) refused = reading.refused;
      return "value" in reading ? reading.value : null;
    });
    return urlTemplate === null
      ? { refused }
      : { value: { url: formatTemplate(template), urlTemplate } };
  },
};

function readUrl(input: unknown): Reading<URL> {
  return readHttpUrl(input, { credentials: "'auth' with 'type: basic'", isQuoted: true });
}

export const httpHandlerSchema: z.ZodType<HttpHandlerConfig> = section({
  type: z.literal("http").describe("Sends each event to an HTTP endpoint"),
  method: toSchema(method).prefault("POST").describe("The HTTP method of the request"),
  url: toSchema(url).describe(
    "The http:// or https:// URL that events are sent to; path and query may hold templates",
  ),
  headers: headersSchema.prefault({}).describe(
    "Headers of the request; values may hold templates. `Content-Type` defaults to that of the event, or to `application/text`",
  ),
  forwardHeaders: forwardHeadersSchema.prefault([]).describe(
    "Headers of the event that become headers of the request: names, `ce_*` for all that begin with `ce_`, or `*` for all",
  ),
  auth: authSchema.optional().describe("How requests are authenticated"),
  tls: tlsSchema.optional().describe(
    "Certificates for an https:// URL: own authorities and a client certificate",
  ),
  timeout: toSchema(duration({ min: "1ms", max: "24h" })).prefault("30s").describe(
    "The maximum duration of a call, including the response's body",
  ),
  maxResponseBytes: toSchema(size({ min: "1", max: "1GiB" })).prefault("900KiB").describe(
    "The maximum body size of a response, after decoding; a larger one is not read and counts as an error response",
  ),
  redirect: toSchema(choice({ follow: "follow" as const, manual: "manual" as const }))
    .prefault("follow").describe(
      "`follow`: 307 and 308 on the same origin are followed, 5 at most, and other redirects are error responses; `manual`: each redirect is a success, with its `location` in the result's headers",
    ),
  retry: retrySchema,
  maxRetryAfter: toSchema(duration({ min: "0", max: "24h" })).prefault("5m").describe(
    "The maximum pause that a response can request by `Retry-After`",
  ),
  onFailure: onFailureSchema,
  onTombstone: onTombstoneSchema,
}).superRefine(({ url, tls, auth, headers, forwardHeaders }, context) => {
  const header = auth && authHeaderName(auth).toLowerCase();
  const refuse = (refused: string, ...path: (string | number)[]) =>
    context.addIssue({ code: "custom", path, params: { refused } });
  const twice = "'auth' sets this header: remove one of the two";
  for (const [name] of headers) {
    if (name.toLowerCase() === header) refuse(twice, "headers", name);
  }
  const set = new Set(headers.map(([name]) => name.toLowerCase()));
  for (const [index, name] of forwardHeaders.entries()) {
    const lowerCase = name.toLowerCase();
    if (lowerCase === header) refuse(twice, "forwardHeaders", index);
    if (set.has(lowerCase)) {
      refuse("'headers' sets this header: remove one of the two", "forwardHeaders", index);
    }
  }
  // An invalid URL arrives as written, not as an object.
  if (tls !== undefined && Object(url).url?.startsWith("http:")) {
    refuse("has no effect without TLS: write an https:// URL, or remove it", "tls");
  }
}).transform(({ timeout, maxRetryAfter, url, auth, tls, ...others }) => ({
  ...others,
  ...url,
  ...(auth === undefined ? {} : { auth }),
  ...(tls === undefined ? {} : { tls }),
  timeoutMs: timeout,
  maxRetryAfterMs: maxRetryAfter,
})).register(SECTION_EXTRAS, {
  warnings: (handler) => [...authWarnings(handler), ...tlsWarnings(handler)],
  urls: [
    { path: ["url"], copy: ["redactedUrl"] },
    { path: ["auth", "tokenEndpoint"], copy: ["auth", "redactedTokenEndpoint"] },
  ],
});
