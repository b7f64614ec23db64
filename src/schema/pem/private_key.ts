import type { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { pemBlocks, pemText } from "./blocks.ts";

const ENCRYPTED = "ENCRYPTED PRIVATE KEY";
const LABELS: ReadonlySet<string> = new Set([
  "PRIVATE KEY",
  "RSA PRIVATE KEY",
  "EC PRIVATE KEY",
  ENCRYPTED,
]);
/** OpenSSL writes this block before a key, which repeats it. */
const PARAMETERS = "EC PARAMETERS";

const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 8192;
const CURVES: ReadonlySet<string> = new Set(["p256", "prime256v1", "p384", "secp384r1"]);
const UNSUPPORTED = "the private key is of a kind that is not supported: expected RSA with " +
  `${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits, P-256, P-384 or Ed25519`;

export interface WrittenKey {
  readonly pem: string;
  readonly isEncrypted: boolean;
}

/** A private key that TLS can use. */
export interface PrivateKey {
  /** Decrypted, if the written key is encrypted. */
  readonly pem: string;
  /** The public key with its algorithm, as DER. */
  readonly publicKey: Buffer;
}

/** Finds the only private key of a PEM text with nothing else in it; `refused` never quotes the text. */
export function findPrivateKey(
  text: string,
): { readonly key: WrittenKey } | { readonly refused: string } {
  const parsed = pemBlocks(text);
  if ("refused" in parsed) return parsed;
  const blocks = parsed.blocks.filter(({ label }) => label !== PARAMETERS);
  const other = blocks.find(({ label }) => !LABELS.has(label));
  if (other !== undefined) {
    return { refused: `it holds '${other.label}': put nothing but a private key in it` };
  }
  const [block, second] = blocks;
  if (block === undefined) return { refused: "there is no '-----BEGIN PRIVATE KEY-----' in it" };
  if (second !== undefined) return { refused: "there are several private keys in it: leave one" };
  return { key: { pem: pemText(block), isEncrypted: block.label === ENCRYPTED } };
}

/** Decrypts and checks a private key; `refused` and `wrongPassphrase` never quote it. */
export function openPrivateKey(
  { pem, isEncrypted }: WrittenKey,
  passphrase: string | undefined,
): { readonly key: PrivateKey } | { readonly refused: string } | {
  readonly wrongPassphrase: string;
} {
  if (isEncrypted && passphrase === undefined) {
    return { wrongPassphrase: "required, as the private key is encrypted" };
  }
  if (!isEncrypted && passphrase !== undefined) {
    return { wrongPassphrase: "the private key is not encrypted: leave the passphrase out" };
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(passphrase === undefined ? pem : { key: pem, passphrase });
  } catch (error) {
    if (/unsupported/i.test(String(error))) return { refused: UNSUPPORTED };
    if (!isEncrypted) return { refused: "the private key is damaged" };
    return {
      wrongPassphrase: "does not decrypt the private key: it is another one, or the key is not " +
        "encrypted by AES with SHA-256, as by 'openssl pkcs8 -topk8 -v2 aes-256-cbc'",
    };
  }
  if (!isSupported(key)) return { refused: UNSUPPORTED };
  return {
    key: {
      // Always PKCS#8: the label of another form may be wrong.
      pem: String(key.export({ type: "pkcs8", format: "pem" })),
      publicKey: createPublicKey(key).export({ type: "spki", format: "der" }),
    },
  };
}

function isSupported({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject) {
  const bits = details?.modulusLength ?? 0;
  return type === "ed25519" || type === "rsa" && bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS ||
    type === "ec" && CURVES.has(details?.namedCurve ?? "");
}
