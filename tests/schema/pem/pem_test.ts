import { assertEquals } from "@std/assert";
import { generateKeyPairSync } from "node:crypto";
import { pem, type PemKind } from "../../../src/schema/pem/mod.ts";
import { CertificateAuthority } from "../../support/tls/certificate_authority.ts";
import { encryptedKey } from "../../support/tls/encrypted_key.ts";

const AUTHORITY = new CertificateAuthority();
const { cert, key } = AUTHORITY.clientCertificate();
const ENCRYPTED_KEY = await encryptedKey(key, "secret");
const PARAMETERS = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";

Deno.test("pem() takes certificates", async (t) => {
  const table: [string, string, string][] = [
    ["one", cert, cert],
    ["several", cert + AUTHORITY.cert, cert + AUTHORITY.cert],
    ["without a newline at the end", cert.trimEnd(), cert],
    ["with the line ends of Windows", cert.replaceAll("\n", "\r\n"), cert],
    ["with spaces before its lines, as of a text in YAML", cert.replaceAll(/^MI/gm, "  MI"), cert],
    ["with comments around", `Issuer: me\n${cert}\n# the end\n`, cert],
  ];
  for (const [name, text, expected] of table) {
    await t.step(name, () => {
      assertEquals(pem("certificate").read(text), { value: expected });
    });
  }
});

Deno.test("pem() takes a private key", async (t) => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const table: [string, string, string][] = [
    ["as PKCS#8", key, key],
    ["as an encrypted one", ENCRYPTED_KEY, ENCRYPTED_KEY],
    ["with the parameters that OpenSSL writes before it", PARAMETERS + key, key],
    ...[String(privateKey.export({ type: "pkcs1", format: "pem" }))]
      .map((rsa): [string, string, string] => ["as PKCS#1", rsa, rsa]),
  ];
  for (const [name, text, expected] of table) {
    await t.step(name, () => {
      assertEquals(pem("private key").read(text), { value: expected });
    });
  }
});

Deno.test("pem() says what is wrong, without what the text holds", async (t) => {
  const none = "there is no '-----BEGIN CERTIFICATE-----' in it";
  const lineBreaks = "'-----BEGIN' has to begin a line of its own: are line breaks lost?";
  const damaged = "is damaged: it holds no certificate";
  const oldKey = key.replaceAll("PRIVATE KEY", "RSA PRIVATE KEY")
    .replace("-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0A\n\n");
  const table: [PemKind, string, string, string][] = [
    ["certificate", "nothing", "", none],
    ["certificate", "another text", "canary-1", none],
    ["certificate", "without line breaks", cert.replaceAll("\n", " "), lineBreaks],
    ["certificate", "with escaped line breaks", cert.replaceAll("\n", "\\n"), lineBreaks],
    [
      "certificate",
      "cut off",
      cert.slice(0, 200),
      "there is no '-----END CERTIFICATE-----': is the text cut off?",
    ],
    [
      "certificate",
      "cut off before the next one",
      cert.slice(0, 200) + "\n" + cert,
      "there is no '-----END CERTIFICATE-----': is the text cut off?",
    ],
    [
      "certificate",
      "without its beginning",
      cert.slice(cert.indexOf("\n") + 1),
      "'-----END CERTIFICATE-----' ends nothing",
    ],
    [
      "certificate",
      "no base64",
      "-----BEGIN CERTIFICATE-----\ncanary?\n-----END CERTIFICATE-----",
      "a 'CERTIFICATE' in it is damaged: it is no base64",
    ],
    ["certificate", "other bytes", relabeled(key, "CERTIFICATE"), `the certificate ${damaged}`],
    [
      "certificate",
      "a line that is missing",
      cert.split("\n").toSpliced(2, 1).join("\n"),
      `the certificate ${damaged}`,
    ],
    [
      "certificate",
      "one of several that is damaged",
      cert + relabeled(key, "CERTIFICATE"),
      `certificate 2 of 2 ${damaged}`,
    ],
    [
      "certificate",
      "a private key besides",
      cert + key,
      "it holds 'PRIVATE KEY': put nothing but certificates in it",
    ],
    [
      "private key",
      "a certificate besides",
      key + cert,
      "it holds 'CERTIFICATE': put nothing but a private key in it",
    ],
    ["private key", "nothing", "\n", "there is no '-----BEGIN PRIVATE KEY-----' in it"],
    ["private key", "two of them", key + key, "there are several private keys in it: leave one"],
    [
      "private key",
      "encrypted in the old way",
      oldKey,
      "the key is encrypted in OpenSSL's old way: " +
      "'openssl pkcs8 -topk8 -in OLD -out NEW' converts it",
    ],
  ];
  for (const [kind, name, text, reason] of table) {
    await t.step(`${kind}: ${name}`, () => {
      assertEquals(pem(kind).read(text), {
        refused: `expected a PEM text with a ${kind}: ${reason}`,
      });
    });
  }
});

Deno.test("pem() does not throw, whatever character of a certificate is another one", () => {
  for (let at = 0; at < cert.length; at++) {
    pem("certificate").read(cert.slice(0, at) + "A" + cert.slice(at + 1));
  }
});

function relabeled(text: string, label: string): string {
  return text.replaceAll("PRIVATE KEY", label);
}
