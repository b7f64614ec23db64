/** Problems of a server's certificate, by the texts of newer and older versions of rustls. */
const PROBLEMS: readonly (readonly [pattern: RegExp, description: string])[] = [
  [/UnknownIssuer/, "unknown authority"],
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
    "it is a certificate of an authority (CA:TRUE), which a server cannot use: recreate it with " +
    "basicConstraints=CA:FALSE ('openssl req -x509 -addext basicConstraints=critical,CA:FALSE ...')",
  ],
  [
    /EndEntityUsedAsCa/,
    "it is signed by a certificate of no authority: recreate that one with " +
    "basicConstraints=CA:TRUE",
  ],
  [
    /InvalidPurpose|extended key usage/i,
    "it is not a server certificate: its extendedKeyUsage lacks serverAuth",
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
  [/NameConstraint/, "its authority may not sign for this host name"],
  [
    /PathLenConstraint|MaximumPathBuild|MaximumPathDepth/,
    "its chain to a known authority is too long",
  ],
];

/** Describes the problem of a server's certificate; undefined if unknown. Passes nothing of `text` on. */
export function certificateProblem(text: string): string | undefined {
  return PROBLEMS.find(([pattern]) => pattern.test(text))?.[1];
}
