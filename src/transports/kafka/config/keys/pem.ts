import { FileText } from "../../../../config/file_text.ts";
import { REFERENCE_PATTERN, type Scalar } from "../../../../config/scalar.ts";

const BEGINNINGS = {
  certificate: /-----BEGIN CERTIFICATE-----/,
  "private key": /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----/,
};

/** What a PEM text holds. */
export type PemKind = keyof typeof BEGINNINGS;

/** A PEM text in the document itself. */
export function pem(kind: PemKind): Scalar<string> {
  const expected = `a PEM text with a ${kind}`;
  return {
    expected,
    json: { type: "string", pattern: `-----BEGIN |${REFERENCE_PATTERN}` },
    read(input) {
      if (typeof input !== "string") return { expected };
      return BEGINNINGS[kind].test(input)
        ? { value: input }
        : { refused: `expected ${expected}: there is no '-----BEGIN' line of one` };
    },
  };
}

/** The path of a PEM file, which the loader has read. The value is `undefined` for `except`. */
export function pemFile(kind: PemKind, except?: string): Scalar<string | undefined> {
  const expected = `the path of a PEM file with a ${kind}`;
  return {
    expected,
    json: { type: "string", minLength: 1 },
    read(input) {
      if (except !== undefined && input === except) return { value: undefined };
      if (!(input instanceof FileText)) return { expected };
      return BEGINNINGS[kind].test(input.text)
        ? { value: input.text }
        : { refused: `expected ${expected}: the file has no '-----BEGIN' line of one` };
    },
  };
}
