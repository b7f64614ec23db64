import { assertEquals } from "@std/assert";
import { connect } from "node:net";
import { EncodingError } from "../../../src/transports/http/content_encoding.ts";
import { describeFailure } from "../../../src/transports/http/failure.ts";
import { InvalidResponseError } from "../../../src/transports/http/response_head.ts";
import { CutOffResponseError } from "../../../src/transports/http/response_reader.ts";

const SENDING = "connect to SECRET:1";

const FAILURES: { error: unknown; description: string }[] = [
  {
    error: new DOMException("SECRET", "TimeoutError"),
    description: "no complete response within 1.5 s",
  },
  { error: new DOMException("SECRET", "AbortError"), description: "given up" },
  {
    error: new Deno.errors.NotCapable('Requires net access to "SECRET:1"'),
    description: "the sandbox does not allow this host",
  },
  { error: ofSocket("ECONNREFUSED"), description: "connection refused" },
  {
    error: new AggregateError([ofSocket("ECONNREFUSED"), ofSocket("ENETUNREACH")], SENDING),
    description: "connection refused",
  },
  { error: new AggregateError([], SENDING), description: "AggregateError" },
  { error: ofSocket("ECONNRESET"), description: "connection reset" },
  { error: ofSocket("EPIPE"), description: "connection closed" },
  { error: ofSocket("ENOTFOUND"), description: "host name not found" },
  { error: ofSocket("EAI_AGAIN"), description: "host name not found" },
  { error: ofSocket("ETIMEDOUT"), description: "connection timed out" },
  { error: ofSocket("EHOSTUNREACH"), description: "host unreachable" },
  { error: ofSocket("ENETUNREACH"), description: "host unreachable" },
  {
    error: ofSocket("EMFILE"),
    description: "too many open connections: raise the limit of open files (ulimit -n)",
  },
  { error: ofSocket("EOTHER"), description: "EOTHER" },
  {
    error: new Deno.errors.InvalidData("invalid peer certificate: UnknownIssuer"),
    description: "certificate not accepted",
  },
  {
    error: new Deno.errors.InvalidData("received corrupt message of type InvalidContentType"),
    description: "no TLS: the port may be one for http://",
  },
  { error: new CutOffResponseError(false), description: "connection closed" },
  { error: new CutOffResponseError(true), description: "response broken off" },
  {
    error: new InvalidResponseError("there is no status line"),
    description: "no valid HTTP response: there is no status line",
  },
  {
    error: new EncodingError("response not encoded as it says"),
    description: "response not encoded as it says",
  },
  { error: new TypeError("SECRET"), description: "TypeError" },
  { error: "SECRET", description: "unknown failure" },
  { error: undefined, description: "unknown failure" },
];

for (const { error, description } of FAILURES) {
  Deno.test(`describeFailure() says '${description}' of '${error}'`, () => {
    assertEquals(describeFailure(error, 1500), description);
  });
}

Deno.test(
  "describeFailure() knows what the runtime says of a host that the sandbox does not allow",
  {
    permissions: "none",
  },
  async () => {
    const error = await new Promise((resolve) => connect(1, "localhost").on("error", resolve));
    assertEquals(describeFailure(error, 1500), "the sandbox does not allow this host");
  },
);

function ofSocket(code: string): Error {
  return Object.assign(new Error(SENDING), { code });
}
