/** They belong to a connection or to the framing of the body, which the HTTP client decides about. */
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

/** By these, an endpoint would do what the event's writer may. */
const CREDENTIALS: ReadonlySet<string> = new Set(["authorization", "cookie"]);

/** The name of each has to be written for it to be forwarded. */
const NOT_BY_PATTERN: ReadonlySet<string> = new Set([
  // Each request has its own, or of its event what belongs together.
  "accept",
  "accept-encoding",
  "baggage",
  "tracestate",
  "user-agent",
  // By these, frameworks take a request for one with another method, or to another path.
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "x-original-url",
  "x-rewrite-url",
]);

/** Whether a header can't be set, as the HTTP client itself does. Names are in lower case, here and below. */
export function isOfTheClient(name: string): boolean {
  return OF_THE_CLIENT.has(name) || name.startsWith("proxy-");
}

/** Whether each request has this header of its event, without being told to. */
export function isMadeFromEvents(name: string): boolean {
  return MADE_FROM_EVENTS.has(name) || name.startsWith("eventor-");
}

/** Whether events must not decide about a header. */
export function isCredential(name: string): boolean {
  return CREDENTIALS.has(name);
}

/** Whether a pattern of `forwardHeaders` can match a header, whose name is as `withHyphens()` returns it. */
export function isForwardedByPattern(name: string): boolean {
  return !isOfTheClient(name) && !isMadeFromEvents(name) && !isCredential(name) &&
    !NOT_BY_PATTERN.has(name);
}

/** Names for which this returns the same are one name to CGI and WSGI (RFC 3875, 4.1.18): `X_A` and `X-A`. */
export function withHyphens(name: string): string {
  return name.replace(/[^a-z0-9]/g, "-");
}
