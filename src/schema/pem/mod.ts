import { FileText } from "../texts.ts";
import { type Reading, REFERENCE_PATTERN, type Scalar } from "../scalar.ts";
import { readCertificates } from "./certificates.ts";
import { findPrivateKey } from "./private_key.ts";

export { certificateWarnings } from "./validity.ts";
export {
  type ClientCertificate,
  clientCertificate,
  type ClientCertificateProblem,
} from "./client_certificate.ts";

/** Content of a PEM text: certificates, or one private key, which may be encrypted. */
export type PemKind = "certificate" | "private key";

/** A PEM text in the configuration itself. */
export function pem(kind: PemKind): Scalar<string> {
  const expected = `a PEM text with a ${kind}`;
  return {
    expected,
    json: { type: "string", pattern: `-----BEGIN |${REFERENCE_PATTERN}` },
    read: (input) => typeof input === "string" ? readPem(input, { kind, expected }) : { expected },
  };
}

/** The path of a PEM file, which the loader has read. `except` reads as `undefined`. */
export function pemFile(kind: PemKind, except?: string): Scalar<string | undefined> {
  const expected = `the path of a PEM file with a ${kind}`;
  return {
    expected,
    json: { type: "string", minLength: 1 },
    read(input) {
      if (except !== undefined && input === except) return { value: undefined };
      return input instanceof FileText ? readPem(input.text, { kind, expected }) : { expected };
    },
  };
}

function readPem(
  text: string,
  { kind, expected }: { kind: PemKind; expected: string },
): Reading<string> {
  const refuse = (reason: string) => ({ refused: `expected ${expected}: ${reason}` });
  if (kind === "private key") {
    const found = findPrivateKey(text);
    return "refused" in found ? refuse(found.refused) : { value: found.key.pem };
  }
  const read = readCertificates(text);
  return "refused" in read
    ? refuse(read.refused)
    : { value: read.certificates.map(({ pem }) => pem).join("") };
}
