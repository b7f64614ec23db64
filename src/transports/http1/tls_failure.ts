import { certificateProblem } from "../sockets/certificate_problem.ts";

type Row = readonly [pattern: RegExp, description: string];

/** What the endpoint has against us, by its alerts (RFC 8446, 6). */
const THEIRS: readonly Row[] = [
  [/CertificateRequired|NoCertificate/, "the endpoint demands a client certificate"],
  [/UnknownCA/, "client certificate not accepted: the endpoint does not know its authority"],
  [/CertificateExpired/, "client certificate not accepted: it has expired"],
  [/CertificateRevoked/, "client certificate not accepted: it is revoked"],
  [
    /BadCertificate|CertificateUnknown(?!Obtain)|UnsupportedCertificate|AccessDenied|DecryptError/,
    "client certificate missing or not accepted",
  ],
  [/ProtocolVersion/, "no common version of TLS: eventor speaks 1.2 and 1.3"],
  [/UnrecognisedName|UnrecognizedName/, "the endpoint does not know the URL's host name"],
  [
    /received fatal alert/,
    "TLS refused by the endpoint: it may demand a client certificate, or other ciphers",
  ],
];

const NO_TLS = "no TLS: the port may be one for http://";

/**
 * One side could not show who it is: without a repair, each call fails like this. The message is for people, and holds no
 * secret.
 */
export abstract class TrustError extends Error {}

/**
 * A connection was closed without a word, and nobody has been answered under the client's certificate so far. Some servers
 * do that to clients whose certificate they do not accept (Node.js).
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

/** How every text about the endpoint's certificate begins. */
const NOT_ACCEPTED = "certificate not accepted";

/**
 * Why two sides did not come to terms by TLS, from the runtime's text; `undefined` when it is about
 * something else. Nothing of the text gets through. No request was taken then: with TLS 1.3 what the endpoint says of a
 * client's certificate comes when the first request is already on its way, but before it is read.
 */
export function describeTlsFailure(text: string): string | undefined {
  if (/corrupt message/i.test(text)) return NO_TLS;
  if (/invalid peer certificate/i.test(text)) {
    const reason = certificateProblem(text);
    return reason === undefined ? NOT_ACCEPTED : `${NOT_ACCEPTED}: ${reason}`;
  }
  if (/received fatal alert/.test(text)) return THEIRS.find(([pattern]) => pattern.test(text))?.[1];
  if (/tls handshake eof/i.test(text)) return "connection closed in the TLS handshake";
  return undefined;
}
