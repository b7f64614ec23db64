import { pem, pemFile } from "../../../../schema/pem/mod.ts";
import { boolean, choice, type Scalar, text } from "../../../../schema/scalar.ts";
import { tokenEndpoint } from "../../../oauth2/config.ts";
import { mapped, mappedOr, refused } from "./config_key.ts";

/** The value of `ssl.ca.location` for the platform's authorities, not a path. */
export const PLATFORM_ROOTS = "probe";

const WEAKER_TLS = "eventor cannot set it, and ignoring it could weaken TLS";
const ONLY_CLIENT_CREDENTIALS =
  "eventor requests tokens only with the grant client_credentials and a secret";

/** Keys of both blocks for TLS and SASL, whose values eventor uses. */
export const SECURITY_KEYS = {
  protocol: mappedOr(["security.protocol"], {
    scalar: choice({
      plaintext: { tls: false, sasl: false },
      ssl: { tls: true, sasl: false },
      sasl_plaintext: { tls: false, sasl: true },
      sasl_ssl: { tls: true, sasl: true },
    }),
    default: "plaintext",
    meaning: "Whether TLS and SASL are used: `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`",
  }),
  caPem: mapped(["ssl.ca.pem"], {
    scalar: pem("certificate"),
    meaning: "Certificate authorities for brokers, in addition to the built-in ones (librdkafka: " +
      "instead of them)",
  }),
  caFile: mapped(["ssl.ca.location"], {
    scalar: pemFile("certificate", PLATFORM_ROOTS),
    meaning: "The same as a file; `probe` for the built-in ones only",
  }),
  certificatePem: mapped(["ssl.certificate.pem"], {
    scalar: pem("certificate"),
    meaning: "The client's certificate",
  }),
  certificateFile: mapped(["ssl.certificate.location"], {
    scalar: pemFile("certificate"),
    meaning: "The same as a file",
  }),
  keyPem: mapped(["ssl.key.pem"], {
    scalar: pem("private key"),
    meaning: "The key of the client's certificate",
  }),
  keyFile: mapped(["ssl.key.location"], {
    scalar: pemFile("private key"),
    meaning: "The same as a file",
  }),
  keyPassphrase: mapped(["ssl.key.password"], {
    scalar: text(),
    meaning: "The passphrase of that key. The key must be PKCS#8, encrypted with AES and SHA-256",
  }),
  verifyCertificate: mappedOr(["enable.ssl.certificate.verification"], {
    scalar: boolean(),
    default: true,
    meaning: "`false` accepts every certificate, with a warning",
  }),
  verifyHostname: mappedOr(["ssl.endpoint.identification.algorithm"], {
    scalar: choice({ https: true, none: false }),
    default: "https",
    meaning: "`none` accepts a certificate for another host, with a warning",
  }),
  mechanism: mapped(["sasl.mechanism", "sasl.mechanisms"], {
    scalar: choice<"plain" | "scram-sha-256" | "scram-sha-512" | "oauthbearer">({
      PLAIN: "plain",
      "SCRAM-SHA-256": "scram-sha-256",
      "SCRAM-SHA-512": "scram-sha-512",
      OAUTHBEARER: "oauthbearer",
    }, { refused: { GSSAPI: "Kerberos is not supported" } }),
    meaning: "Required for SASL: `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER` " +
      "(librdkafka: GSSAPI, which eventor does not support)",
  }),
  username: mapped(["sasl.username"], {
    scalar: text(),
    meaning: "Required for PLAIN and SCRAM",
  }),
  password: mapped(["sasl.password"], {
    scalar: text(),
    meaning: "Required for PLAIN and SCRAM",
  }),
  tokenMethod: mapped(["sasl.oauthbearer.method"], {
    scalar: choice({ oidc: "oidc" }, {
      refused: { default: "an unsigned token does not authenticate anyone: set it to oidc" },
    }),
    meaning: "Required for OAUTHBEARER: `oidc` (librdkafka: default)",
  }),
  tokenEndpoint: mapped(["sasl.oauthbearer.token.endpoint.url"], {
    scalar: tokenEndpoint,
    meaning:
      "Required for OAUTHBEARER: the URL of the token endpoint. `http://` works, with a warning",
  }),
  tokenClientId: mapped(["sasl.oauthbearer.client.id"], {
    scalar: text(),
    meaning: "Required for OAUTHBEARER: the client's id at the token endpoint",
  }),
  tokenClientSecret: mapped(["sasl.oauthbearer.client.secret"], {
    scalar: text(),
    meaning: "Required for OAUTHBEARER: the client's secret, sent in an Authorization header",
  }),
  tokenScope: mapped(["sasl.oauthbearer.scope"], {
    scalar: text(),
    meaning: "The scopes of the token",
  }),
  extensions: mapped(["sasl.oauthbearer.extensions"], {
    scalar: extensions(),
    meaning: "Extensions sent with the token: `name=value`, separated by commas",
  }),
  tokenCaPem: mapped(["https.ca.pem"], {
    scalar: pem("certificate"),
    meaning: "Certificate authorities for the token endpoint, in addition to the built-in ones",
  }),
  tokenCaFile: mapped(["https.ca.location"], {
    scalar: pemFile("certificate", PLATFORM_ROOTS),
    meaning: "The same as a file; `probe` for the built-in ones only",
  }),
};

/** The other keys of both blocks for TLS and SASL. */
export const OTHER_SECURITY_KEYS = [
  refused(["sasl.kerberos.*"], "Kerberos is not supported"),
  refused(["sasl.oauthbearer.config"], "an unsigned token does not authenticate anyone"),
  refused(["sasl.oauthbearer.grant.type"], ONLY_CLIENT_CREDENTIALS),
  refused(["sasl.oauthbearer.assertion.*"], ONLY_CLIENT_CREDENTIALS),
  refused(["sasl.oauthbearer.client.credentials.*"], ONLY_CLIENT_CREDENTIALS),
  refused(["sasl.oauthbearer.metadata.authentication.type"], ONLY_CLIENT_CREDENTIALS),
  refused(["sasl.oauthbearer.sub.claim.name"], "it is a setting of the broker"),
  refused(
    ["enable.sasl.oauthbearer.unsecure.jwt"],
    "an unsigned token does not authenticate anyone",
  ),
  refused(
    ["ssl.keystore.*"],
    "PKCS#12 is not supported: use ssl.certificate.location and ssl.key.location",
  ),
  refused(["ssl.cipher.suites"], WEAKER_TLS),
  refused(["ssl.curves.list"], WEAKER_TLS),
  refused(["ssl.sigalgs.list"], WEAKER_TLS),
  refused(["ssl.crl.location"], WEAKER_TLS),
  refused(["ssl.ca.certificate.stores"], WEAKER_TLS),
  refused(["ssl.engine.*"], WEAKER_TLS),
  refused(["ssl.providers"], WEAKER_TLS),
  refused(["ssl_*"], "it exists only in the C library librdkafka"),
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
