import { assertEquals } from "@std/assert";
import { configOf, pipelineText, problemsOf, type Surroundings } from "../../config/loading.ts";
import { CertificateAuthority } from "../../support/tls/certificate_authority.ts";
import { encryptedKey } from "../../support/tls/encrypted_key.ts";

const URL_TEXT = "https://localhost:8443/payload";
const AUTHORITY = new CertificateAuthority();
const CLIENT = AUTHORITY.clientCertificate();
const SURROUNDINGS: Surroundings = {
  files: {
    "/ca.pem": AUTHORITY.cert,
    "/cert.pem": CLIENT.cert,
    "/key.pem": CLIENT.key,
    "/encrypted-key.pem": await encryptedKey(CLIENT.key, "secret"),
    "/half.pem": CLIENT.key.slice(0, 100),
  },
};

Deno.test("tls of a handler holds certificates and an open key", async (t) => {
  const table: [string, Record<string, unknown>, unknown][] = [
    ["an authority", { ca: "${file:/ca.pem}" }, { ca: AUTHORITY.cert }],
    ["a client certificate", { cert: "${file:/cert.pem}", key: "${file:/key.pem}" }, CLIENT],
    ["texts in the configuration itself", { ca: AUTHORITY.cert, ...CLIENT }, {
      ca: AUTHORITY.cert,
      ...CLIENT,
    }],
    ["an encrypted key", {
      cert: "${file:/cert.pem}",
      key: "${file:/encrypted-key.pem}",
      keyPassphrase: "secret",
    }, CLIENT],
    ["nothing", {}, {}],
  ];
  for (const [name, tls, expected] of table) {
    await t.step(name, () => {
      const config = configOf(pipelineWith(tls), SURROUNDINGS);
      const handler = config.pipelines[0]?.eventHandler;
      assertEquals(Reflect.get(handler ?? {}, "tls"), expected);
      assertEquals(config.warnings, []);
    });
  }
});

Deno.test("tls of a handler says what is wrong, without what a file holds", async (t) => {
  const cert = "${file:/cert.pem}";
  const table: [string, Record<string, unknown>, string[]][] = [
    ["a certificate without its key", { cert }, [".key: required with a 'cert'"]],
    ["a key without its certificate", { key: CLIENT.key }, [".cert: required with a 'key'"]],
    ["a passphrase without a key", { keyPassphrase: "secret" }, [
      ".keyPassphrase: has no effect without a 'key'",
    ]],
    ["another key", { cert, key: AUTHORITY.clientCertificate().key }, [
      ".key: the private key is not that of the certificate",
    ]],
    ["no passphrase", { cert, key: "${file:/encrypted-key.pem}" }, [
      ".keyPassphrase: required, as the private key is encrypted",
    ]],
    ["a half-written key", { cert, key: "${file:/half.pem}" }, [
      ".key: expected a PEM text with a private key: there is no '-----END PRIVATE KEY-----': " +
      "is the text cut off?",
    ]],
    ["a path where a text belongs", { ca: "/ca.pem" }, [
      ".ca: expected a PEM text with a certificate: there is no '-----BEGIN CERTIFICATE-----' in it",
    ]],
    ["no text", { ca: 5, key: 6 }, [
      ".ca: expected a PEM text with a certificate, found the number 5",
      ".key: expected a PEM text with a private key, found a number",
    ]],
    ["a file that is not there", { ca: "${file:/absent.pem}", cert, key: "${file:/absent.pem}" }, [
      ".ca: cannot read the file '/absent.pem' (NotFound)",
      ".key: cannot read the file *** (NotFound)",
    ]],
    ["another key of a mapping", { verify: false }, [": unknown key 'verify'"]],
  ];
  for (const [name, tls, expected] of table) {
    await t.step(name, () => {
      assertEquals(
        problemsOf(pipelineWith(tls), SURROUNDINGS),
        expected.map((line) => `pipeline 'orders': eventHandler.tls${line}`),
      );
    });
  }
});

Deno.test("tls of a handler is refused where there is no TLS", () => {
  assertEquals(problemsOf(pipelineWith({}, "http://localhost:8080/")), [
    "pipeline 'orders': eventHandler.tls: has no effect without TLS: write an https:// URL, or " +
    "remove it",
  ]);
});

Deno.test("tls of a handler warns of what has expired", () => {
  const validity = { validFrom: new Date("2020-01-01"), validTo: new Date("2020-02-01") };
  const { cert, key } = AUTHORITY.clientCertificate("client", validity);
  const { cert: ca } = new CertificateAuthority("Old authority", validity);
  assertEquals(configOf(pipelineWith({ ca, cert, key })).warnings, [
    {
      pipeline: "orders",
      message: "eventHandler: tls.ca: the certificate has expired on 2020-02-01",
    },
    {
      pipeline: "orders",
      message: "eventHandler: tls.cert: the certificate has expired on 2020-02-01",
    },
  ]);
});

function pipelineWith(tls: Record<string, unknown>, url = URL_TEXT): string {
  return pipelineText({ eventHandler: { type: "http", url, tls } });
}
