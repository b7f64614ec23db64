import { pem, pemFile } from "../../../../config/pem/mod.ts";
import { boolean, choice, text } from "../../../../config/scalar.ts";
import { mapped, mappedOr, refused } from "./config_key.ts";

/** The value of `ssl.ca.location` that is no path. */
export const PLATFORM_ROOTS = "probe";

const WEAKER_TLS = "it can't be set here, and leaving it out in silence could weaken TLS";
const NO_OAUTHBEARER = "OAUTHBEARER is not supported yet";

/** Keys of both blocks about TLS and SASL, with a value. */
export const SECURITY_KEYS = {
  protocol: mappedOr(["security.protocol"], {
    scalar: choice({
      plaintext: { tls: false, sasl: false },
      ssl: { tls: true, sasl: false },
      sasl_plaintext: { tls: false, sasl: true },
      sasl_ssl: { tls: true, sasl: true },
    }),
    default: "plaintext",
    meaning: "Whether TLS and SASL are used",
  }),
  caPem: mapped(["ssl.ca.pem"], {
    scalar: pem("certificate"),
    meaning: "The certificates that brokers are checked with; the platform's when not written",
  }),
  caFile: mapped(["ssl.ca.location"], {
    scalar: pemFile("certificate", PLATFORM_ROOTS),
    meaning: "The same as a file; `probe` for the platform's certificates",
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
    meaning: "The passphrase of that key",
  }),
  verifyCertificate: mappedOr(["enable.ssl.certificate.verification"], {
    scalar: boolean(),
    default: true,
    meaning: "`false`: any certificate will do, with a warning",
  }),
  verifyHostname: mappedOr(["ssl.endpoint.identification.algorithm"], {
    scalar: choice({ https: true, none: false }),
    default: "https",
    meaning: "`none`: a broker's certificate may name another host, with a warning",
  }),
  mechanism: mapped(["sasl.mechanism", "sasl.mechanisms"], {
    scalar: choice<"plain" | "scram-sha-256" | "scram-sha-512">({
      PLAIN: "plain",
      "SCRAM-SHA-256": "scram-sha-256",
      "SCRAM-SHA-512": "scram-sha-512",
    }, { refused: { GSSAPI: "Kerberos is not supported", OAUTHBEARER: NO_OAUTHBEARER } }),
    meaning: "Required for SASL (librdkafka: GSSAPI, which eventor does not support)",
  }),
  username: mapped(["sasl.username"], { scalar: text(), meaning: "Required for SASL" }),
  password: mapped(["sasl.password"], { scalar: text(), meaning: "Required for SASL" }),
};

/** The other keys of both blocks about TLS and SASL. */
export const OTHER_SECURITY_KEYS = [
  refused(["sasl.kerberos.*"], "Kerberos is not supported"),
  refused(["sasl.oauthbearer.*"], NO_OAUTHBEARER),
  refused(["enable.sasl.oauthbearer.unsecure.jwt"], "a token that nobody signed is no protection"),
  refused(["https.ca.*"], NO_OAUTHBEARER),
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
  refused(["ssl_*"], "it belongs to the C library librdkafka"),
];
