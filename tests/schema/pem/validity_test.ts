import { assertEquals } from "@std/assert";
import { certificateWarnings } from "../../../src/schema/pem/mod.ts";
import { CertificateAuthority } from "../../support/tls/certificate_authority.ts";

const now = new Date("2026-06-01T00:00:00Z");
const valid = authority("2026-01-01", "2027-01-01");
const expired = authority("2025-01-01", "2026-05-31");
const early = authority("2026-06-02", "2027-01-01");

const EXPIRED = "the certificate has expired on 2026-05-31";

Deno.test("certificateWarnings() tells of certificates that are not valid now", async (t) => {
  const table: [string, "authorities" | "client", string, string[]][] = [
    ["a valid one", "client", valid, []],
    ["one that has expired", "client", expired, [EXPIRED]],
    ["one that is not valid yet", "client", early, [
      "the certificate is not valid before 2026-06-02",
    ]],
    ["a client's with one that has expired behind", "client", valid + expired, []],
    ["a client's that has expired", "client", expired + valid, [EXPIRED]],
    ["authorities of which one is valid", "authorities", expired + valid, []],
    ["authorities of which none is valid", "authorities", expired + early, [
      `none of its certificates is valid: ${EXPIRED}`,
    ]],
    ["an authority that has expired", "authorities", expired, [EXPIRED]],
    ["no certificate, which is a problem of its own", "client", "canary", []],
  ];
  for (const [name, of, pem, expected] of table) {
    await t.step(name, () => assertEquals(certificateWarnings(pem, { of, now }), expected));
  }
});

function authority(from: string, to: string): string {
  return new CertificateAuthority("Test authority", {
    validFrom: new Date(from),
    validTo: new Date(to),
  }).cert;
}
