import { certificateProblem } from "../sockets/certificate_problem.ts";

type Row = readonly [pattern: RegExp, description: string];

/** Why the endpoint rejects us, by its TLS alerts (RFC 8446, 6). */
const THEIRS: readonly Row[] = [
  [/CertificateRequired|NoCertificate/, "the endpoint demands a client certificate"],
  [/UnknownCA/, "client certificate not accepted: the endpoint does not know its authority"],
  [/CertificateExpired/, "client certificate not accepted: it has expired"],
  [/CertificateRevoked/, "client certificate not accepted: it is revoked"],
  [
    /BadCertificate|CertificateUnknown(?!Obtain)|UnsupportedCertificate|AccessDenied|DecryptError/,
    "client certificate missing or not accepted",
  ],
  [/ProtocolVersion/, "no common TLS version: eventor supports 1.2 and 1.3"],
  [/UnrecognisedName|UnrecognizedName/, "the endpoint does not know the URL's host name"],
  [
    /received fatal alert/,
    "TLS refused by the endpoint: it may demand a client certificate, or other ciphers",
  ],
];

const NO_TLS = "the port does not speak TLS: it may need an http:// URL";

/**
 * One side rejects the other's certificate or credentials: every call fails until that is repaired. The message is for
 * people, and holds no secret.
 */
export abstract class TrustError extends Error {}

/**
 * A connection was closed without a reason, and no call with the client certificate has got a response so far. Some
 * servers (Node.js) do that to clients whose certificate they do not accept.
 */
export class UnansweredClientError extends TrustError {
  override readonly name = "UnansweredClientError";

  constructor(options: ErrorOptions) {
    super(
      "connection closed before any answer: the endpoint may not accept the client certificate",
      options,
    );
  }
}

/** The beginning of each text about the endpoint's certificate. */
const NOT_ACCEPTED = "certificate not accepted";

/**
 * Describes a TLS failure by the runtime's text, and passes nothing of that text on; undefined for other failures. The
 * endpoint has read no request then: with TLS 1.3, its alert about a client certificate arrives after the first request
 * was sent, but before it is read.
 */
export function describeTlsFailure(text: string): string | undefined {
  if (/corrupt message/i.test(text)) return NO_TLS;
  if (/invalid peer certificate/i.test(text)) {
    const reason = certificateProblem(text);
    return reason === undefined ? NOT_ACCEPTED : `${NOT_ACCEPTED}: ${reason}`;
  }
  if (/received fatal alert/.test(text)) return THEIRS.find(([pattern]) => pattern.test(text))?.[1];
  if (/tls handshake eof/i.test(text)) return "connection closed during the TLS handshake";
  return undefined;
}
