import * as der from "./der.ts";

const PBES2 = der.objectIdentifier("1.2.840.113549.1.5.13");
const PBKDF2 = der.objectIdentifier("1.2.840.113549.1.5.12");
const HMAC_WITH_SHA256 = der.objectIdentifier("1.2.840.113549.2.9");
const AES_256_CBC = der.objectIdentifier("2.16.840.1.101.3.4.1.42");
const NULL = Uint8Array.of(5, 0);

const ITERATIONS = 2048;

/** Encrypts a PKCS#8 key as `openssl pkcs8 -topk8` does. */
export async function encryptedKey(key: string, passphrase: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(8));
  const iv = crypto.getRandomValues(new Uint8Array(16));
  const secret = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(passphrase),
    "PBKDF2",
    false,
    ["deriveKey"],
  );
  const aes = await crypto.subtle.deriveKey(
    { name: "PBKDF2", hash: "SHA-256", salt, iterations: ITERATIONS },
    secret,
    { name: "AES-CBC", length: 256 },
    false,
    ["encrypt"],
  );
  const plain = Uint8Array.fromBase64(key.replaceAll(/-----.*-----/g, ""));
  const encrypted = await crypto.subtle.encrypt({ name: "AES-CBC", iv }, aes, plain);
  const iterations = Uint8Array.of(ITERATIONS >> 8, ITERATIONS & 0xff);
  const derivation = der.sequence(
    der.octetString(salt),
    der.integer(iterations),
    der.sequence(HMAC_WITH_SHA256, NULL),
  );
  const parameters = der.sequence(
    der.sequence(PBKDF2, derivation),
    der.sequence(AES_256_CBC, der.octetString(iv)),
  );
  return der.pem(
    "ENCRYPTED PRIVATE KEY",
    der.sequence(der.sequence(PBES2, parameters), der.octetString(new Uint8Array(encrypted))),
  );
}
