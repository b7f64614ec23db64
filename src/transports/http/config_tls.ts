import { certificateWarnings, clientCertificate, pem } from "../../schema/pem/mod.ts";
import { isMapping, valueAt } from "../../schema/document.ts";
import { text, toSchema } from "../../schema/scalar.ts";
import { section } from "../../schema/section.ts";
import { z } from "zod";
import type { HttpTlsConfig } from "../http1/stream.ts";

const KEYS = { cert: "cert", key: "key", passphrase: "keyPassphrase" } as const;

export const tlsSchema = section({
  ca: toSchema(pem("certificate")).optional().describe(
    "Certificate authorities for the endpoint, in addition to the built-in ones",
  ),
  cert: toSchema(pem("certificate")).optional().describe(
    "The client's certificate, followed by intermediate ones",
  ),
  key: toSchema(pem("private key")).optional().describe("The private key of `cert`"),
  keyPassphrase: toSchema(text()).optional().describe(
    "The passphrase of `key`, if it is encrypted",
  ),
}).transform(({ ca, cert, key, keyPassphrase }, context): HttpTlsConfig => {
  const refuse = (path: string, refused: string) => {
    context.addIssue({ code: "custom", path: [path], params: { refused } });
    return z.NEVER;
  };
  const authorities = ca === undefined ? {} : { ca };
  if (cert !== undefined && key !== undefined) {
    const client = clientCertificate({ cert, key, passphrase: keyPassphrase });
    return "part" in client
      ? refuse(KEYS[client.part], client.refused)
      : { ...authorities, ...client };
  }
  if (cert !== undefined) return refuse(KEYS.key, "required with a 'cert'");
  if (key !== undefined) return refuse(KEYS.cert, "required with a 'key'");
  if (keyPassphrase !== undefined) return refuse(KEYS.passphrase, "has no effect without a 'key'");
  return authorities;
});

/** Warnings about the `tls` of a valid section, as written. */
export function tlsWarnings(section: unknown): readonly string[] {
  const tls = valueAt(section, ["tls"]);
  const { ca, cert } = isMapping(tls) ? tls : {};
  const warnings = (key: string, written: unknown, of: "authorities" | "client") =>
    typeof written !== "string"
      ? []
      : certificateWarnings(written, { of }).map((warning) => `tls.${key}: ${warning}`);
  return [...warnings("ca", ca, "authorities"), ...warnings("cert", cert, "client")];
}
