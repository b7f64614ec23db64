import { pemBlocks } from "../../schema/pem/blocks.ts";

/** The algorithms that can sign an assertion (RFC 7518, 3.1). */
export const SIGNATURE_ALGORITHMS = {
  RS256: "RS256",
  PS256: "PS256",
  ES256: "ES256",
  ES384: "ES384",
} as const;

/** The name of a signature algorithm. */
export type SignatureAlgorithm = keyof typeof SIGNATURE_ALGORITHMS;

/** The parameters of the algorithms in WebCrypto. */
const WEB_CRYPTO = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  ES384: { name: "ECDSA", namedCurve: "P-384" },
} satisfies Record<SignatureAlgorithm, RsaHashedImportParams | EcKeyImportParams>;

/** Key types by their identifier in PKCS#8, with their algorithms; the default comes first. */
const KINDS: readonly (readonly [identifier: string, algorithms: readonly SignatureAlgorithm[]])[] =
  [
    ["06092a864886f70d010101", ["RS256", "PS256"]],
    ["06072a8648ce3d020106082a8648ce3d030107", ["ES256"]],
    ["06072a8648ce3d020106052b81040022", ["ES384"]],
  ];

/** The version, 0 or 1, and the start of the identifier: nothing else may precede it (RFC 5208, 5; RFC 5958, 2). */
const BEGINNING = /^30(8[0-4]([0-9a-f]{2}){1,4}|[0-7][0-9a-f])02010[01]30[0-9a-f]{2}/;

/** The algorithms that suit the key of a PEM text, the default first; empty for other key types. */
export function algorithmsFor(pem: string): readonly SignatureAlgorithm[] {
  const identifier = pkcs8Of(pem)?.toHex().replace(BEGINNING, "");
  return KINDS.find(([beginning]) => identifier?.startsWith(beginning))?.[1] ?? [];
}

/**
 * Imports a PKCS#8 key from its PEM text.
 *
 * @throws {DOMException} when it is damaged, or for other algorithms
 */
export async function importPrivateKey(
  pem: string,
  algorithm: SignatureAlgorithm | undefined = algorithmsFor(pem)[0],
): Promise<CryptoKey> {
  const bytes = pkcs8Of(pem);
  if (algorithm === undefined || bytes === undefined) throw new DOMException("", "DataError");
  return await crypto.subtle.importKey("pkcs8", bytes, WEB_CRYPTO[algorithm], false, ["sign"]);
}

function pkcs8Of(pem: string): Uint8Array<ArrayBuffer> | undefined {
  const parsed = pemBlocks(pem);
  return "blocks" in parsed
    ? parsed.blocks.find(({ label }) => label === "PRIVATE KEY")?.der
    : undefined;
}
