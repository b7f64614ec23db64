/** The HTTP client sets these: they describe the connection or the framing of the body. */
const OF_THE_CLIENT: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const MADE_FROM_EVENTS: ReadonlySet<string> = new Set([
  "content-type",
  "idempotency-key",
  "traceparent",
]);

/** The writer of an event must not choose the credentials of the request. */
const CREDENTIALS: ReadonlySet<string> = new Set(["authorization", "cookie"]);

/** Forwarded only if listed by name. */
const NOT_BY_PATTERN: ReadonlySet<string> = new Set([
  // Every request has its own; `EventHeaders` sends `baggage` and `tracestate` itself.
  "accept",
  "accept-encoding",
  "baggage",
  "tracestate",
  "user-agent",
  // With these, frameworks take a request for one with another method or path.
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "x-original-url",
  "x-rewrite-url",
]);

/** Whether only the HTTP client may set a header. Names are in lower case, here and below. */
export function isOfTheClient(name: string): boolean {
  return OF_THE_CLIENT.has(name) || name.startsWith("proxy-");
}

/** Whether each request gets this header from its event without configuration. */
export function isMadeFromEvents(name: string): boolean {
  return MADE_FROM_EVENTS.has(name) || name.startsWith("eventor-");
}

/** Whether events must not set a header. */
export function isCredential(name: string): boolean {
  return CREDENTIALS.has(name);
}

/** Whether a pattern of `forwardHeaders` may match a header; `name` is a result of `withHyphens()`. */
export function isForwardedByPattern(name: string): boolean {
  return !isOfTheClient(name) && !isMadeFromEvents(name) && !isCredential(name) &&
    !NOT_BY_PATTERN.has(name);
}

/** Names with the same result are one name to CGI and WSGI (RFC 3875, 4.1.18): `X_A` and `X-A`. */
export function withHyphens(name: string): string {
  return name.replace(/[^a-z0-9]/g, "-");
}
