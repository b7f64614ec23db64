import { createPrivateKey } from "node:crypto";

/** The algorithms that can sign an assertion (RFC 7518, 3.1). */
export const SIGNATURE_ALGORITHMS = {
  RS256: "RS256",
  PS256: "PS256",
  ES256: "ES256",
  ES384: "ES384",
} as const;

export type SignatureAlgorithm = keyof typeof SIGNATURE_ALGORITHMS;

/** The parameters of the algorithms in WebCrypto. */
const WEB_CRYPTO = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  ES384: { name: "ECDSA", namedCurve: "P-384" },
} satisfies Record<SignatureAlgorithm, RsaHashedImportParams | EcKeyImportParams>;

/**
 * The algorithms that suit the key of a PEM text, the default first; empty for other key types.
 *
 * @throws {Error} when it is damaged
 */
export function algorithmsFor(pem: string): readonly SignatureAlgorithm[] {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPrivateKey(pem);
  if (type === "rsa") return ["RS256", "PS256"];
  if (type !== "ec") return [];
  return ["p384", "secp384r1"].includes(details?.namedCurve ?? "") ? ["ES384"] : ["ES256"];
}

/**
 * Imports a PKCS#8 key from its PEM text.
 *
 * @throws {Error} when it is damaged, or for other algorithms
 */
export async function importPrivateKey(
  pem: string,
  algorithm: SignatureAlgorithm | undefined = algorithmsFor(pem)[0],
): Promise<CryptoKey> {
  if (algorithm === undefined) throw new DOMException("", "DataError");
  const der = createPrivateKey(pem).export({ type: "pkcs8", format: "der" });
  const parameters = WEB_CRYPTO[algorithm];
  return await crypto.subtle.importKey("pkcs8", new Uint8Array(der), parameters, false, ["sign"]);
}
