import { encryptedKey } from "../../tls/encrypted_key.ts";
import { CLIENT_SECRET, type OAuthServer } from "../../http/oauth_server.ts";
import type { ScramCredential } from "./scram_credentials.ts";
import { PLAIN_USER, type SecuredBroker, type SecuredListener } from "./secured_broker.ts";

/** Keys of librdkafka for a listener. */
export interface SecuredKeys {
  readonly listener: SecuredListener;
  readonly keys: Readonly<Record<string, unknown>>;
}

/** How a client may show who it is, and to what extent it may look at a broker. */
export type SecurityKind =
  | "plain"
  | "scram256"
  | "scram512"
  | "oauthbearer"
  | "plaintext"
  | "certificate"
  | "lockedKey"
  | "anyCertificate"
  | "anyName";

const PASSPHRASE = "passphrase-of-the-key";

/** Users of SCRAM, whom the broker has to be told. */
export const SCRAM_USERS: readonly ScramCredential[] = [
  { user: "bert", mechanism: "SCRAM-SHA-256", password: "scram-secret-of-bert" },
  { user: "cleo", mechanism: "SCRAM-SHA-512", password: "scram-secret-of-cleo, = and ü" },
];

/** What no log may show. */
export const SECRETS: readonly string[] = [
  PLAIN_USER.password,
  ...SCRAM_USERS.map(({ password }) => password),
  CLIENT_SECRET,
  PASSPHRASE,
  "wrong-secret",
];

/** Keys by which a broker lets a client in, one set for each kind. */
export async function securedKeys(
  { authority }: Pick<SecuredBroker, "authority">,
  tokens: Pick<OAuthServer, "tokenEndpoint">,
): Promise<Readonly<Record<SecurityKind, SecuredKeys>>> {
  const ca = { "ssl.ca.pem": authority.cert };
  const ssl = { "security.protocol": "ssl", ...ca };
  const sasl = { "security.protocol": "sasl_ssl", ...ca };
  const plain = {
    "sasl.mechanism": "PLAIN",
    "sasl.username": PLAIN_USER.username,
    "sasl.password": PLAIN_USER.password,
  };
  const [scram256, scram512] = SCRAM_USERS.map(({ user, mechanism, password }) => ({
    "sasl.mechanism": mechanism,
    "sasl.username": user,
    "sasl.password": password,
  }));
  const client = authority.clientCertificate("eventor");
  const certified = { "ssl.certificate.pem": client.cert, "ssl.key.pem": client.key };
  return {
    plain: { listener: "SASL_SSL", keys: { ...sasl, ...plain } },
    scram256: { listener: "SASL_SSL", keys: { ...sasl, ...scram256 } },
    scram512: { listener: "SASL_SSL", keys: { ...sasl, ...scram512 } },
    oauthbearer: {
      listener: "SASL_SSL",
      keys: {
        ...sasl,
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.token.endpoint.url": tokens.tokenEndpoint,
        "sasl.oauthbearer.client.id": "basic",
        "sasl.oauthbearer.client.secret": CLIENT_SECRET,
        "sasl.oauthbearer.scope": "kafka",
        "sasl.oauthbearer.extensions": "team=orders,place=here",
      },
    },
    plaintext: {
      listener: "SASL_PLAINTEXT",
      keys: { ...plain, "security.protocol": "sasl_plaintext" },
    },
    certificate: { listener: "SSL", keys: { ...ssl, ...certified } },
    lockedKey: {
      listener: "SSL",
      keys: {
        ...ssl,
        ...certified,
        "ssl.key.pem": await encryptedKey(client.key, PASSPHRASE),
        "ssl.key.password": PASSPHRASE,
      },
    },
    anyCertificate: {
      listener: "EXPIRED",
      keys: { "security.protocol": "ssl", "enable.ssl.certificate.verification": false },
    },
    anyName: {
      listener: "RENAMED",
      keys: { ...ssl, "ssl.endpoint.identification.algorithm": "none" },
    },
  };
}
