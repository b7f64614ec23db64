import { assertEquals } from "@std/assert";
import { describeFailure } from "../../../src/transports/http/failure.ts";

const SENDING = "error sending request for url (http://user:SECRET@localhost:1/?SECRET)";

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
  {
    error: new TypeError(
      `${SENDING}: client error (Connect): tcp connect error: Connection refused (os error 111)`,
    ),
    description: "connection refused",
  },
  {
    error: new TypeError(
      `${SENDING}: client error (SendRequest): connection error: Connection reset by peer (os error 104)`,
    ),
    description: "connection reset",
  },
  {
    error: new TypeError(
      `${SENDING}: client error (SendRequest): connection closed before message completed`,
    ),
    description: "connection closed",
  },
  {
    error: new TypeError(
      `${SENDING}: client error (Connect): dns error: failed to lookup address information: Name or service not known`,
    ),
    description: "host name not found",
  },
  {
    error: new TypeError(
      `${SENDING}: client error (Connect): invalid peer certificate: UnknownIssuer`,
    ),
    description: "certificate not accepted",
  },
  {
    error: new TypeError(
      `${SENDING}: client error (Connect): tcp connect error: Connection timed out (os error 110)`,
    ),
    description: "connection timed out",
  },
  {
    error: new TypeError(
      `${SENDING}: client error (Connect): tcp connect error: No route to host: Network is unreachable (os error 101)`,
    ),
    description: "host unreachable",
  },
  {
    error: new TypeError("error reading a body from connection", {
      cause: new Error("unexpected EOF during chunk size line"),
    }),
    description: "connection closed",
  },
  {
    error: new TypeError(`${SENDING}: client error (SendRequest): invalid HTTP version parsed`),
    description: "no valid HTTP response",
  },
  {
    error: new TypeError("unexpected end of file"),
    description: "response not encoded as it says",
  },
  {
    error: new TypeError("error reading a body from connection"),
    description: "response broken off",
  },
  { error: new TypeError(`${SENDING}: SECRET`), description: "TypeError" },
  { error: new TypeError("SECRET", { cause: "SECRET" }), description: "TypeError" },
  { error: "SECRET", description: "unknown failure" },
  { error: undefined, description: "unknown failure" },
];

for (const { error, description } of FAILURES) {
  Deno.test(`describeFailure() says '${description}', when the runtime says '${error}'`, () => {
    assertEquals(describeFailure(error, 1500), description);
  });
}

Deno.test("describeFailure() does not take the words of a URL for the runtime's", () => {
  const error = new TypeError(
    "error sending request for url (https://certificate.example/timed%20out/unreachable): other",
  );
  assertEquals(describeFailure(error, 1500), "TypeError");
});

Deno.test("describeFailure() does not take the words of a URL without brackets for the runtime's", () => {
  const error = new TypeError(
    "error sending request from 127.0.0.1:2 for http://127.0.0.1:1/certificate (127.0.0.1:1): other",
  );
  assertEquals(describeFailure(error, 1500), "TypeError");
});

Deno.test("describeFailure() does not take the words of a URL for the runtime's, when it holds brackets", () => {
  const error = new TypeError(
    "error sending request for url (https://a.example/x(1)/certificate?q=(2)): " +
      "client error (Connect): tcp connect error: Connection refused (os error 111)",
  );
  assertEquals(describeFailure(error, 1500), "connection refused");
});

Deno.test(
  "describeFailure() knows what the runtime says of a host that the sandbox does not allow",
  {
    permissions: "none",
  },
  async () => {
    const error = await fetch("http://localhost:1/").catch((error: unknown) => error);
    assertEquals(describeFailure(error, 1500), "the sandbox does not allow this host");
  },
);
