/** What the runtime's texts say, and what users call it. */
const KNOWN_FAILURES: readonly (readonly [pattern: RegExp, description: string])[] = [
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

/**
 * Says why a call brought no response. The runtime's own text holds the whole URL, and header values at times, so only
 * what is known to be harmless gets through.
 */
export function describeFailure(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return "unknown failure";
  if (error.name === "TimeoutError") return `no complete response within ${timeoutMs / 1000} s`;
  if (error.name === "AbortError") return "given up";
  // Newer runtimes wrap it.
  if ([error, error.cause].some((each) => each instanceof Deno.errors.NotCapable)) {
    return "the sandbox does not allow this host";
  }
  const text = `${error.message} ${error.cause instanceof Error ? error.cause.message : ""}`;
  const known = KNOWN_FAILURES.find(([pattern]) => pattern.test(withoutUrl(text)));
  return known?.[1] ?? error.name;
}

/** A URL could hold the very words that are looked for. */
function withoutUrl(text: string): string {
  return text.replaceAll(/https?:\/\/\S*/gi, "");
}
