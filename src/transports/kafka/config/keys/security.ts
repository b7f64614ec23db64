import { pem, pemFile } from "../../../../schema/pem/mod.ts";
import { boolean, choice, type Scalar, text } from "../../../../schema/scalar.ts";
import { tokenEndpoint } from "../../../oauth2/config.ts";
import { mapped, refused } from "./config_key.ts";

/** The value of `ssl.ca.location` for the platform's authorities, not a path. */
export const PLATFORM_ROOTS = "probe";

/** Keys of both blocks for TLS and SASL, whose values eventor uses. */
export const SECURITY_KEYS = {
  protocol: mapped(
    ["security.protocol"],
    choice({
      plaintext: { tls: false, sasl: false },
      ssl: { tls: true, sasl: false },
      sasl_plaintext: { tls: false, sasl: true },
      sasl_ssl: { tls: true, sasl: true },
    }),
    {
      default: "plaintext",
      meaning: "Whether TLS and SASL are used: `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`",
    },
  ),
  caPem: mapped(["ssl.ca.pem"], pem("certificate"), {
    meaning: "Certificate authorities for brokers, in addition to the built-in ones (librdkafka: " +
      "instead of them)",
  }),
  caFile: mapped(["ssl.ca.location"], pemFile("certificate", PLATFORM_ROOTS), {
    meaning: "The same as a file; `probe` for the built-in ones only",
  }),
  certificatePem: mapped(["ssl.certificate.pem"], pem("certificate"), {
    meaning: "The client's certificate",
  }),
  certificateFile: mapped(["ssl.certificate.location"], pemFile("certificate"), {
    meaning: "The same as a file",
  }),
  keyPem: mapped(["ssl.key.pem"], pem("private key"), {
    meaning: "The key of the client's certificate",
  }),
  keyFile: mapped(["ssl.key.location"], pemFile("private key"), { meaning: "The same as a file" }),
  keyPassphrase: mapped(["ssl.key.password"], text(), {
    meaning: "The passphrase of that key. The key must be PKCS#8, encrypted with AES and SHA-256",
  }),
  verifyCertificate: mapped(["enable.ssl.certificate.verification"], boolean(), {
    default: true,
    meaning: "`false` accepts every certificate, with a warning",
  }),
  verifyHostname: mapped(
    ["ssl.endpoint.identification.algorithm"],
    choice({ https: true, none: false }),
    { default: "https", meaning: "`none` accepts a certificate for another host, with a warning" },
  ),
  mechanism: mapped(
    ["sasl.mechanism", "sasl.mechanisms"],
    choice<"plain" | "scram-sha-256" | "scram-sha-512" | "oauthbearer">({
      PLAIN: "plain",
      "SCRAM-SHA-256": "scram-sha-256",
      "SCRAM-SHA-512": "scram-sha-512",
      OAUTHBEARER: "oauthbearer",
    }, { refused: { GSSAPI: "Kerberos is not supported" } }),
    {
      meaning: "Required for SASL: `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER` " +
        "(librdkafka: GSSAPI, which eventor does not support)",
    },
  ),
  username: mapped(["sasl.username"], text(), { meaning: "Required for PLAIN and SCRAM" }),
  password: mapped(["sasl.password"], text(), { meaning: "Required for PLAIN and SCRAM" }),
  tokenMethod: mapped(
    ["sasl.oauthbearer.method"],
    choice({ oidc: "oidc" }, {
      refused: { default: "an unsigned token does not authenticate anyone: set it to oidc" },
    }),
    { meaning: "Required for OAUTHBEARER: `oidc` (librdkafka: default)" },
  ),
  tokenEndpoint: mapped(["sasl.oauthbearer.token.endpoint.url"], tokenEndpoint, {
    meaning:
      "Required for OAUTHBEARER: the URL of the token endpoint. `http://` works, with a warning",
  }),
  tokenClientId: mapped(["sasl.oauthbearer.client.id"], text(), {
    meaning: "Required for OAUTHBEARER: the client's id at the token endpoint",
  }),
  tokenClientSecret: mapped(["sasl.oauthbearer.client.secret"], text(), {
    meaning: "Required for OAUTHBEARER: the client's secret, sent in an Authorization header",
  }),
  tokenScope: mapped(["sasl.oauthbearer.scope"], text(), { meaning: "The scopes of the token" }),
  extensions: mapped(["sasl.oauthbearer.extensions"], extensions(), {
    meaning: "Extensions sent with the token: `name=value`, separated by commas",
  }),
  tokenCaPem: mapped(["https.ca.pem"], pem("certificate"), {
    meaning: "Certificate authorities for the token endpoint, in addition to the built-in ones",
  }),
  tokenCaFile: mapped(["https.ca.location"], pemFile("certificate", PLATFORM_ROOTS), {
    meaning: "The same as a file; `probe` for the built-in ones only",
  }),
};

/** The other keys of both blocks for TLS and SASL. */
export const OTHER_SECURITY_KEYS = [
  refused("sasl.kerberos.*", "Kerberos is not supported"),
  refused(
    "sasl.oauthbearer.config enable.sasl.oauthbearer.unsecure.jwt",
    "an unsigned token does not authenticate anyone",
  ),
  refused(
    `sasl.oauthbearer.grant.type sasl.oauthbearer.assertion.*
    sasl.oauthbearer.client.credentials.* sasl.oauthbearer.metadata.authentication.type`,
    "eventor requests tokens only with the grant client_credentials and a secret",
  ),
  refused("sasl.oauthbearer.sub.claim.name", "it is a setting of the broker"),
  refused(
    "ssl.keystore.*",
    "PKCS#12 is not supported: use ssl.certificate.location and ssl.key.location",
  ),
  refused(
    `ssl.cipher.suites ssl.curves.list ssl.sigalgs.list ssl.crl.location ssl.ca.certificate.stores
    ssl.engine.* ssl.providers`,
    "eventor cannot set it, and ignoring it could weaken TLS",
  ),
  refused("ssl_*", "it exists only in the C library librdkafka"),
];

/** `name=value`, separated by commas (KIP-342). */
function extensions(): Scalar<Readonly<Record<string, string>>> {
  const expected = "'name=value', separated by commas; names are of letters";
  return {
    expected,
    json: {
      type: "string",
      minLength: 1,
      examples: ["logicalCluster=lkc-1,identityPoolId=pool-1"],
    },
    read(input) {
      if (typeof input !== "string") return { expected };
      const pairs = input.split(",").map((pair) =>
        /^\s*([A-Za-z]+)\s*=([\x20-\x7e\t\r\n]+)$/.exec(pair)
      );
      const isWhole = pairs.every((pair) => pair !== null && pair[1] !== "auth");
      if (!isWhole) return { expected };
      return { value: Object.fromEntries(pairs.map((pair) => [pair?.[1], pair?.[2]?.trim()])) };
    },
  };
}
