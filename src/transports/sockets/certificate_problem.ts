/** Problems of a server's certificate, by the texts of newer and older versions of rustls. */
const PROBLEMS: readonly (readonly [pattern: RegExp, description: string])[] = [
  [/UnknownIssuer/, "its authority is not known"],
  [/certificate expired|: Expired/, "it has expired"],
  [/not valid yet|NotValidYet/, "it is not valid yet"],
  [
    /not valid for any names/,
    "it has no subjectAltName, which must have the server's host name: its subject (CN) does not count",
  ],
  [/not valid for name|NotValidForName/, "it is for another host name"],
  [/BadSignature/, "it is signed by another authority of the same name"],
  [
    /CaUsedAsEndEntity/,
    "it is one of an authority (CA:TRUE), which a server cannot use as its own: create it again with " +
    "basicConstraints=CA:FALSE ('openssl req -x509 -addext basicConstraints=critical,CA:FALSE ...')",
  ],
  [
    /EndEntityUsedAsCa/,
    "it is signed by a certificate that is none of an authority: create that one again with " +
    "basicConstraints=CA:TRUE",
  ],
  [
    /InvalidPurpose|extended key usage/i,
    "it is not one for servers: its extendedKeyUsage lacks serverAuth",
  ],
  [/Revoked/, "it is revoked"],
  [/UnsupportedCertVersion/, "it is of version 1, without extensions"],
  [
    /UnsupportedSignatureAlgorithm/,
    "it is signed by an algorithm that is not supported, such as SHA-1",
  ],
  [
    /UnsupportedCriticalExtension|UnhandledCriticalExtension/,
    "it has a critical extension that is not supported",
  ],
  [/NameConstraint/, "its authority must not sign for its host name"],
  [
    /PathLenConstraint|MaximumPathBuild|MaximumPathDepth/,
    "too many authorities stand between it and a known one",
  ],
];

/** Describes the problem of a server's certificate; undefined if unknown. Passes nothing of `text` on. */
export function certificateProblem(text: string): string | undefined {
  return PROBLEMS.find(([pattern]) => pattern.test(text))?.[1];
}
