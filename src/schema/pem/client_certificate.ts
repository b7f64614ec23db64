import { Buffer } from "node:buffer";
import { type Certificate, readCertificates } from "./certificates.ts";
import { findPrivateKey, openPrivateKey } from "./private_key.ts";

const MAX_VERSION = 3;

/** A client's certificate and key for TLS, as PEM texts. */
export interface ClientCertificate {
  readonly cert: string;
  /** Decrypted. */
  readonly key: string;
}

/** The wrong part of a client's certificate, and why. */
export interface ClientCertificateProblem {
  readonly part: keyof ClientCertificate | "passphrase";
  readonly refused: string;
}

/**
 * Combines texts that `pem()` has accepted, if key and certificate match. Whatever is refused here would end the whole
 * process if it reached the runtime (Deno 2.6.8).
 */
export function clientCertificate(
  { cert, key, passphrase }: { cert: string; key: string; passphrase?: string | undefined },
): ClientCertificate | ClientCertificateProblem {
  const written = findPrivateKey(key);
  if ("refused" in written) return { part: "key", ...written };
  const opened = openPrivateKey(written.key, passphrase);
  if ("refused" in opened) return { part: "key", ...opened };
  if ("wrongPassphrase" in opened) return { part: "passphrase", refused: opened.wrongPassphrase };
  const read = readCertificates(cert);
  if ("refused" in read) return { part: "cert", ...read };
  const [own] = read.certificates;
  if (own === undefined) return { part: "cert", refused: "there is no certificate in it" };
  if (own.version !== MAX_VERSION) {
    return {
      part: "cert",
      refused: `the certificate is of version ${own.version}, where TLS needs version 3: ` +
        "have it signed with extensions, such as 'basicConstraints=CA:FALSE'",
    };
  }
  // A certificate holds the public key with its algorithm in the same form.
  const isOfKey = ({ der }: Certificate) => Buffer.from(der).includes(opened.key.publicKey);
  if (!isOfKey(own)) {
    return read.certificates.some(isOfKey)
      ? { part: "cert", refused: "the certificate of the private key has to come first in it" }
      : { part: "key", refused: "the private key is not that of the certificate" };
  }
  return { cert: read.certificates.map(({ pem }) => pem).join(""), key: opened.key.pem };
}
