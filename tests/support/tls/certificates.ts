import { fileURLToPath } from "node:url";

/** The file of the authority that has signed the certificate. */
export const CA_FILE = fileURLToPath(fileUrl("ca.pem"));

/** A certificate for `localhost`, and its key. */
export function certifiedKey(): Deno.TlsCertifiedKeyPem {
  return {
    cert: Deno.readTextFileSync(fileUrl("endpoint.pem")),
    key: Deno.readTextFileSync(fileUrl("endpoint.key")),
  };
}

function fileUrl(name: string): URL {
  return new URL(`../../testdata/tls/${name}`, import.meta.url);
}
