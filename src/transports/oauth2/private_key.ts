/** What an assertion can be signed with (RFC 7518, 3.1). */
export const SIGNATURE_ALGORITHMS = {
  RS256: "RS256",
  PS256: "PS256",
  ES256: "ES256",
  ES384: "ES384",
} as const;

/** The name of one of them. */
export type SignatureAlgorithm = keyof typeof SIGNATURE_ALGORITHMS;

/** How WebCrypto calls them. */
const WEB_CRYPTO = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  ES384: { name: "ECDSA", namedCurve: "P-384" },
} satisfies Record<SignatureAlgorithm, RsaHashedImportParams | EcKeyImportParams>;

/** The identifiers of kinds of keys as they stand in a PKCS#8 text, the usual algorithm of each first. */
const KINDS: readonly (readonly [identifier: string, algorithms: readonly SignatureAlgorithm[]])[] =
  [
    ["06092a864886f70d010101", ["RS256", "PS256"]],
    ["06072a8648ce3d020106082a8648ce3d030107", ["ES256"]],
    ["06072a8648ce3d020106052b81040022", ["ES384"]],
  ];

/** Version 0, and the beginning of the identifier: nothing else may come before it (RFC 5208, 5). */
const BEGINNING = /^30(8[0-4]([0-9a-f]{2}){1,4}|[0-7][0-9a-f])02010[01]30[0-9a-f]{2}/;

/** Which algorithms a PEM text's key is for, or why it can't be used. The reason shows nothing of it. */
export function keyKindOf(
  pem: string,
): { readonly algorithms: readonly SignatureAlgorithm[] } | { readonly refused: string } {
  const [, label] = /-----BEGIN ([A-Z ]*)-----/.exec(pem) ?? [];
  if (label === "RSA PRIVATE KEY" || label === "EC PRIVATE KEY") {
    return { refused: "expected a PKCS#8 key: convert it by 'openssl pkcs8 -topk8 -nocrypt'" };
  }
  if (label === "ENCRYPTED PRIVATE KEY") {
    return { refused: "expected a key without a passphrase: decrypt it by 'openssl pkcs8'" };
  }
  const hex = pkcs8Of(pem)?.toHex();
  if (label !== "PRIVATE KEY" || hex === undefined) {
    return { refused: "expected a PEM text with '-----BEGIN PRIVATE KEY-----'" };
  }
  const identifier = hex.replace(BEGINNING, "");
  const algorithms = KINDS.find(([beginning]) => identifier.startsWith(beginning))?.[1];
  return algorithms === undefined
    ? { refused: "expected an RSA key, or an EC key on P-256 or P-384" }
    : { algorithms };
}

/** Makes a key of a text that `keyKindOf()` knows. @throws {DOMException} when it is damaged */
export async function importPrivateKey(
  pem: string,
  algorithm?: SignatureAlgorithm,
): Promise<CryptoKey> {
  const kind = keyKindOf(pem);
  const [usual] = "algorithms" in kind ? kind.algorithms : [];
  const used = algorithm ?? usual;
  const bytes = pkcs8Of(pem);
  if (used === undefined || bytes === undefined) throw new DOMException("", "DataError");
  return await crypto.subtle.importKey("pkcs8", bytes, WEB_CRYPTO[used], false, ["sign"]);
}

function pkcs8Of(pem: string): Uint8Array<ArrayBuffer> | undefined {
  const [, base64] = /-----BEGIN PRIVATE KEY-----([^-]*)-----END PRIVATE KEY-----/.exec(pem) ?? [];
  try {
    return base64 === undefined ? undefined : Uint8Array.fromBase64(base64);
  } catch {
    return undefined;
  }
}
