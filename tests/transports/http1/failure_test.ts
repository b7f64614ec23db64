import { assertEquals } from "@std/assert";
import {
  breakOffReason,
  describeFailure,
  isLocal,
  isRefusal,
  isTlsFailure,
  mayHaveBeenSent,
} from "../../../src/transports/http1/failure.ts";
import { TokenError } from "../../../src/transports/oauth2/token_response.ts";
import { UnansweredClientError } from "../../../src/transports/http1/tls_failure.ts";
import { CutOffResponseError } from "../../../src/transports/http1/response_reader.ts";

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
  { error: ofSocket("ECONNRESET"), description: "connection reset" },
  { error: ofSocket("EPIPE"), description: "connection closed" },
  { error: ofSocket("ENOTFOUND"), description: "host name not found" },
  { error: ofSocket("EAI_AGAIN"), description: "host name not found" },
  { error: ofSocket("ETIMEDOUT"), description: "connection timed out" },
  {
    error: ofSocket("EHOSTUNREACH"),
    description: "host unreachable: it is down, or a router or firewall rejects the connection",
  },
  {
    error: ofSocket("ENETUNREACH"),
    description: "network unreachable: this machine has no route to the address",
  },
  {
    error: ofSocket("EADDRNOTAVAIL"),
    description:
      "no local address or port is free to connect from: raise net.ipv4.ip_local_port_range, or lower concurrency",
  },
  {
    error: ofSocket("ENFILE"),
    description: "too many open files on this machine: raise fs.file-max",
  },
  {
    error: ofSocket("EMFILE"),
    description: "too many open connections: raise the limit of open files (ulimit -n)",
  },
  { error: ofSocket("EOTHER"), description: "EOTHER" },
  {
    error: new Error("SECRET: Connection reset by peer (os error 104)"),
    description: "connection reset",
  },
  {
    error: new Error("SECRET: Connection timed out (os error 110)"),
    description: "connection timed out",
  },
  {
    error: new Error("SECRET: Network is unreachable (os error 101)"),
    description: "network unreachable: this machine has no route to the address",
  },
  {
    error: new Error(
      "peer closed connection without sending TLS close_notify: " +
        "https://docs.rs/rustls/latest/rustls/manual/_03_howto/index.html#unexpected-eof",
    ),
    description: "connection closed",
  },
  { error: new Deno.errors.UnexpectedEof("SECRET"), description: "connection closed" },
  { error: new CutOffResponseError("SECRET"), description: "connection closed" },
  { error: new TypeError("SECRET"), description: "TypeError" },
  { error: new TypeError("SECRET", { cause: "SECRET" }), description: "TypeError" },
  { error: "SECRET", description: "unknown failure" },
  { error: undefined, description: "unknown failure" },
];

for (const { error, description } of FAILURES) {
  Deno.test(`describeFailure() says '${description}' of '${error}'`, () => {
    assertEquals(describeFailure(error, 1500), description);
  });
}

Deno.test("breakOffReason() says why a response has come in part only", () => {
  const reasons = [
    ofSocket("ECONNRESET"),
    new DOMException("SECRET", "TimeoutError"),
    new TypeError("SECRET"),
    "SECRET",
  ].map(breakOffReason);
  assertEquals(reasons, [
    "connection reset",
    "the timeout was over",
    "TypeError",
    "unknown failure",
  ]);
});

function ofSocket(code: string): Error {
  return Object.assign(new Error(SENDING), { code });
}

const TLS_FAILURES: { message: string; description: string }[] = [
  {
    message: "invalid peer certificate: UnknownIssuer",
    description: "certificate not accepted: unknown authority",
  },
  {
    message:
      "invalid peer certificate: certificate expired: verification time 1795646529 (UNIX), but " +
      "certificate is not valid after 1580515200 (215131329 seconds ago)",
    description: "certificate not accepted: it has expired",
  },
  {
    message: "invalid peer certificate: Expired",
    description: "certificate not accepted: it has expired",
  },
  {
    message:
      "invalid peer certificate: certificate not valid yet: verification time 1795646529 (UNIX), " +
      "but certificate is not valid before 2208988800 (413342271 seconds in future)",
    description: "certificate not accepted: it is not valid yet",
  },
  {
    message:
      'invalid peer certificate: certificate not valid for name "localhost"; certificate is only ' +
      'valid for DnsName("SECRET")',
    description: "certificate not accepted: it is for another host name",
  },
  {
    message: "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))",
    description:
      "certificate not accepted: it is a certificate of an authority (CA:TRUE), which a server cannot use: recreate it with basicConstraints=CA:FALSE ('openssl req -x509 -addext basicConstraints=critical,CA:FALSE ...')",
  },
  {
    message: "invalid peer certificate: Other(OtherError(UnsupportedCertVersion))",
    description: "certificate not accepted: it is of version 1, without extensions",
  },
  {
    message: "invalid peer certificate: BadSignature",
    description: "certificate not accepted: it is signed by another authority of the same name",
  },
  {
    message: "invalid peer certificate: BadEncoding",
    description: "certificate not accepted",
  },
  {
    message: "received fatal alert: CertificateRequired",
    description: "the endpoint demands a client certificate",
  },
  {
    message: "received fatal alert: HandshakeFailure",
    description:
      "TLS refused by the endpoint: it may demand a client certificate, or other ciphers",
  },
  {
    message: "received fatal alert: UnknownCA",
    description: "client certificate not accepted: the endpoint does not know its authority",
  },
  {
    message: "received fatal alert: CertificateExpired",
    description: "client certificate not accepted: it has expired",
  },
  {
    message: "received fatal alert: BadCertificate",
    description: "client certificate missing or not accepted",
  },
  {
    message: "received fatal alert: ProtocolVersion",
    description: "no common TLS version: eventor supports 1.2 and 1.3",
  },
  {
    message: "received corrupt message of type InvalidContentType",
    description: "the port does not speak TLS: it may need an http:// URL",
  },
  {
    message: "tls handshake eof",
    description: "connection closed during the TLS handshake",
  },
];

for (const { message, description } of TLS_FAILURES) {
  Deno.test(`describeFailure() says '${description}' of '${message.slice(-80)}'`, () => {
    const error = new TypeError(message);
    assertEquals([describeFailure(error, 1500), isTlsFailure(error)], [description, true]);
  });
}

Deno.test("isTlsFailure() does not take a failure of a connection for one of TLS", () => {
  const messages = [
    "Connection reset by peer (os error 104)",
    "peer closed connection without sending TLS close_notify: https://docs.rs/certificate",
  ];
  for (const message of messages) assertEquals(isTlsFailure(new TypeError(message)), false);
});

Deno.test("isLocal() knows what this machine lacks, and what it does not", () => {
  const withCode = (code: string) => Object.assign(new Error("failed"), { code });
  for (const code of ["EMFILE", "ENFILE", "EADDRNOTAVAIL", "EPERM"]) {
    assertEquals(isLocal(withCode(code)), true, code);
  }
  for (const code of ["ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "ENOTFOUND"]) {
    assertEquals(isLocal(withCode(code)), false, code);
  }
  assertEquals(isLocal("CANARY"), false);
});

Deno.test("mayHaveBeenSent() knows what fails before a call is sent", () => {
  const withCode = (code: string) => Object.assign(new Error("failed"), { code });
  for (
    const code of ["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH", "EPERM", "EMFILE"]
  ) {
    assertEquals(mayHaveBeenSent(withCode(code)), false, code);
  }
  for (const code of ["ECONNRESET", "EPIPE", "ETIMEDOUT"]) {
    assertEquals(mayHaveBeenSent(withCode(code)), true, code);
  }
  for (const { message } of TLS_FAILURES) {
    assertEquals(mayHaveBeenSent(new TypeError(message)), false, message);
  }
  assertEquals(mayHaveBeenSent(new UnansweredClientError({})), true);
  assertEquals(mayHaveBeenSent(new DOMException("", "TimeoutError")), true);
});

Deno.test("isRefusal() knows failures of certificates and tokens, and no others", () => {
  for (const { message } of TLS_FAILURES) {
    assertEquals(isRefusal(new TypeError(message)), true, message);
  }
  assertEquals(isRefusal(new TokenError("no token")), true);
  assertEquals(isRefusal(new UnansweredClientError({})), true);
  assertEquals(isRefusal(new DOMException("", "TimeoutError")), false);
  assertEquals(isRefusal(new TypeError("connection refused")), false);
});
