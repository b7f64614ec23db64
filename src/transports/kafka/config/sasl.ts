import type { OAuth2Config } from "../../oauth2/config.ts";
import type { BlockProblem, ClientBlock, ClientField } from "./block.ts";
import { SECURITY_KEYS } from "./keys/security.ts";

/** How the client authenticates. */
export type KafkaSaslConfig =
  | {
    readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
    readonly username: string;
    readonly password: string;
  }
  | {
    readonly mechanism: "oauthbearer";
    readonly token: OAuth2Config;
    /** Sent along with the token (KIP-342). */
    readonly extensions: Readonly<Record<string, string>>;
  };

const USER_FIELDS: readonly (keyof typeof SECURITY_KEYS)[] = ["username", "password"];
const TOKEN_FIELDS: readonly (keyof typeof SECURITY_KEYS)[] = [
  "tokenMethod",
  "tokenEndpoint",
  "tokenClientId",
  "tokenClientSecret",
];
const OPTIONAL_TOKEN_FIELDS: readonly ClientField[] = [
  "tokenScope",
  "extensions",
  "tokenCaPem",
  "tokenCaFile",
];
const SHOWN_WITHOUT_TLS = {
  "plain": "user name and password",
  "scram-sha-256": "all events, and enough to guess a weak password by,",
  "scram-sha-512": "all events, and enough to guess a weak password by,",
  "oauthbearer": "all events, and tokens,",
};

/** Missing and useless keys for SASL. */
export function saslProblems({ values, writtenAs, problems: known }: ClientBlock): BlockProblem[] {
  const problems: BlockProblem[] = [];
  const refuse = (key: string, refused: string) => problems.push({ key, refused });
  const without = (fields: readonly ClientField[], refused: string) => {
    for (const name of fields.map(writtenAs)) if (name !== undefined) refuse(name, refused);
  };
  if (!values.protocol.sasl) {
    without(
      ["mechanism", ...USER_FIELDS, ...TOKEN_FIELDS, ...OPTIONAL_TOKEN_FIELDS],
      "has no effect without SASL: set security.protocol to sasl_ssl",
    );
    return problems;
  }
  const mechanism = writtenAs("mechanism");
  if (mechanism === undefined) {
    refuse("sasl.mechanism", "required, as security.protocol asks for SASL");
  }
  if (values.mechanism === undefined || known.some(({ key }) => key === mechanism)) {
    return problems;
  }
  const isToken = values.mechanism === "oauthbearer";
  for (const field of isToken ? TOKEN_FIELDS : USER_FIELDS) {
    if (writtenAs(field) !== undefined) continue;
    refuse(
      SECURITY_KEYS[field].names[0],
      "required for that sasl.mechanism",
    );
  }
  if (isToken) without(USER_FIELDS, "has no effect with OAUTHBEARER: leave it out");
  else {
    without(
      [...TOKEN_FIELDS, ...OPTIONAL_TOKEN_FIELDS],
      "has no effect without OAUTHBEARER: leave it out",
    );
  }
  return problems;
}

/** Valid SASL settings that show secrets or events to the network. */
export function saslWarnings(
  { values: { protocol, mechanism, tokenEndpoint } }: ClientBlock,
): string[] {
  if (!protocol.sasl) return [];
  const warnings: string[] = [];
  if (!protocol.tls) {
    const what = SHOWN_WITHOUT_TLS[mechanism ?? "plain"];
    warnings.push(`security.protocol sasl_plaintext shows ${what} to the network`);
  }
  if (/^http:/i.test(tokenEndpoint ?? "")) {
    warnings.push(
      "sasl.oauthbearer.token.endpoint.url without https shows the client's secret to the network",
    );
  }
  return warnings;
}

/** The SASL settings of a block without problems; null without SASL. */
export function saslConfig(values: ClientBlock["values"]): KafkaSaslConfig | null {
  if (!values.protocol.sasl) return null;
  const { mechanism = "plain", username = "", password = "" } = values;
  if (mechanism !== "oauthbearer") return { mechanism, username, password };
  // `saslProblems()` has checked that all required values are present.
  const { tokenEndpoint = "", tokenClientId: clientId = "", tokenClientSecret = "" } = values;
  const caPem = values.tokenCaPem ?? values.tokenCaFile;
  return {
    mechanism,
    token: {
      tokenEndpoint,
      grant: "clientCredentials",
      clientId,
      clientAuthentication: { method: "basic", clientSecret: tokenClientSecret },
      parameters: [],
      ...(values.tokenScope === undefined ? {} : { scope: values.tokenScope }),
      ...(caPem === undefined ? {} : { caPem }),
    },
    extensions: values.extensions ?? {},
  };
}
