import { assertEquals } from "@std/assert";
import { generateKeyPairSync } from "node:crypto";
import { clientCertificate } from "../../../src/schema/pem/mod.ts";
import { CertificateAuthority } from "../../support/tls/certificate_authority.ts";
import { encryptedKey } from "../../support/tls/encrypted_key.ts";

const AUTHORITY = new CertificateAuthority();
const CLIENT = AUTHORITY.clientCertificate();
const ENCRYPTED_KEY = await encryptedKey(CLIENT.key, "secret");

Deno.test("clientCertificate() puts a certificate and its key together", () => {
  assertEquals(clientCertificate(CLIENT), CLIENT);
});

Deno.test("clientCertificate() takes a chain that begins with the own certificate", () => {
  const chain = { ...CLIENT, cert: CLIENT.cert + AUTHORITY.cert };
  assertEquals(clientCertificate(chain), chain);
});

Deno.test("clientCertificate() decrypts the key", () => {
  assertEquals(
    clientCertificate({ cert: CLIENT.cert, key: ENCRYPTED_KEY, passphrase: "secret" }),
    CLIENT,
  );
});

Deno.test("clientCertificate() makes what the runtime's TLS takes", () => {
  const client = clientCertificate({ ...CLIENT, key: ENCRYPTED_KEY, passphrase: "secret" });
  if ("part" in client) throw new Error(client.refused);
  Deno.createHttpClient({ ...client }).close();
});

Deno.test("clientCertificate() says what does not fit", async (t) => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
  const table: [string, Parameters<typeof clientCertificate>[0], unknown][] = [
    ["another key", { ...CLIENT, key: AUTHORITY.clientCertificate().key }, {
      part: "key",
      refused: "the private key is not that of the certificate",
    }],
    ["a chain in the wrong order", { ...CLIENT, cert: AUTHORITY.cert + CLIENT.cert }, {
      part: "cert",
      refused: "the certificate of the private key has to come first in it",
    }],
    ["a certificate of version 1", AUTHORITY.clientCertificate("client", { version: 1 }), {
      part: "cert",
      refused: "the certificate is of version 1, where TLS needs version 3: have it signed with " +
        "extensions, such as 'basicConstraints=CA:FALSE'",
    }],
    ["a weak key", { ...CLIENT, key: String(rsa.export({ type: "pkcs8", format: "pem" })) }, {
      part: "key",
      refused: "the private key is of a kind that is not supported: expected RSA with 2048 to " +
        "8192 bits, P-256, P-384 or Ed25519",
    }],
    ["a damaged key", { ...CLIENT, key: CLIENT.key.split("\n").toSpliced(2, 1).join("\n") }, {
      part: "key",
      refused: "the private key is damaged",
    }],
    ["no passphrase", { ...CLIENT, key: ENCRYPTED_KEY }, {
      part: "passphrase",
      refused: "required, as the private key is encrypted",
    }],
    ["a needless passphrase", { ...CLIENT, passphrase: "secret" }, {
      part: "passphrase",
      refused: "the private key is not encrypted: leave the passphrase out",
    }],
    ["another passphrase", { ...CLIENT, key: ENCRYPTED_KEY, passphrase: "other" }, {
      part: "passphrase",
      refused: "does not decrypt the private key: it is another one, or the key is not encrypted " +
        "by AES with SHA-256, as by 'openssl pkcs8 -topk8 -v2 aes-256-cbc'",
    }],
  ];
  for (const [name, parts, expected] of table) {
    await t.step(name, () => assertEquals(clientCertificate(parts), expected));
  }
});
