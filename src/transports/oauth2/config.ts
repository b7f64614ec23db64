import { z } from "zod";
import { HTTP_URL, readHttpUrl } from "../../schema/http_url.ts";
import { pem } from "../../schema/pem/mod.ts";
import { findPrivateKey, openPrivateKey } from "../../schema/pem/private_key.ts";
import { choice, REFERENCE_PATTERN, type Scalar, text, toSchema } from "../../schema/scalar.ts";
import { pairs, section } from "../../schema/section.ts";
import type { Template } from "../../core/template.ts";
import { algorithmsFor, SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from "./private_key.ts";

/** How to request tokens: plain data, for any kind of configuration. */
export interface OAuth2Config {
  /** Without user name, password and fragment. Its query may hold secrets. */
  readonly tokenEndpoint: string;
  /** The URL with external values redacted, for logs; absent if it has none. */
  readonly redactedTokenEndpoint?: Template | undefined;
  readonly grant: "clientCredentials" | "refreshToken";
  readonly clientId: string;
  readonly clientAuthentication: ClientAuthentication;
  /** The first refresh token, for the grant `refreshToken`. */
  readonly refreshToken?: string | undefined;
  readonly scope?: string | undefined;
  readonly audience?: string | undefined;
  /** Additional parameters of the request. No name occurs twice, and none has a meaning in OAuth 2.0 itself. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
  /** Authorities for the token endpoint, in addition to the platform's. */
  readonly caPem?: string | undefined;
}

/** How the client authenticates (RFC 6749, 2.3; RFC 7523, 2.2). */
export type ClientAuthentication =
  | { readonly method: "basic" | "body"; readonly clientSecret: string }
  | {
    readonly method: "privateKeyJwt";
    /** PEM of a PKCS#8 key without a passphrase. */
    readonly privateKey: string;
    /** Present if it is not the default for the key. */
    readonly algorithm?: SignatureAlgorithm | undefined;
    readonly keyId?: string | undefined;
    /** The assertion's audience, if it is not the token endpoint's URL. */
    readonly assertionAudience?: string | undefined;
  };

/** Parameters that other configuration keys set. */
const NOT_EXTRA = new Map([
  ["audience", "set 'audience' instead"],
  ["scope", "set 'scope' instead"],
  ["client_id", "set 'clientId' instead"],
  ["client_secret", "set 'clientSecret' instead"],
  ["refresh_token", "set 'refreshToken' instead"],
  ["grant_type", "set 'grant' instead"],
  ["client_assertion", "eventor derives it from 'privateKey'"],
  ["client_assertion_type", "eventor derives it from 'privateKey'"],
]);

export const tokenEndpoint: Scalar<string> = {
  expected: HTTP_URL,
  json: { type: "string", pattern: `^https?://|${REFERENCE_PATTERN}` },
  read(input) {
    const reading = readHttpUrl(input, { credentials: "clientId", isQuoted: false });
    return "value" in reading ? { value: reading.value.href } : reading;
  },
};

const privateKey: Scalar<string> = {
  ...pem("private key"),
  read(input) {
    const found = findPrivateKey(typeof input === "string" ? input : "");
    const opened = "key" in found ? openPrivateKey(found.key, undefined) : found;
    if ("wrongPassphrase" in opened) {
      return {
        refused: "expected a private key without a passphrase: 'openssl pkcs8' decrypts it",
      };
    }
    if ("refused" in opened) return opened;
    return algorithmsFor(opened.key.pem).length === 0
      ? { refused: "expected an RSA key, or an EC key on P-256 or P-384" }
      : { value: opened.key.pem };
  },
};

const parameters = pairs<string>((name, value) => {
  const refused = NOT_EXTRA.get(name);
  if (refused !== undefined) return { refused };
  return typeof value === "string" ? { value } : { expected: "text in quotes" };
});

export const oauth2Schema = section({
  type: z.literal("oauth2").describe("A token from a token endpoint (RFC 6749)"),
  tokenEndpoint: toSchema(tokenEndpoint).describe("The URL where tokens are requested"),
  grant: toSchema(
    choice({
      clientCredentials: "clientCredentials" as const,
      refreshToken: "refreshToken" as const,
    }),
  ).prefault("clientCredentials").describe(
    "`clientCredentials`: for the client itself; `refreshToken`: for the user who granted the refresh token",
  ),
  clientId: toSchema(text()).describe("The client's id at the token endpoint"),
  clientAuthentication: toSchema(
    choice({
      basic: "basic" as const,
      body: "body" as const,
      privateKeyJwt: "privateKeyJwt" as const,
    }),
  ).prefault("basic").describe(
    "`basic`: the secret in an Authorization header; `body`: in the request's body; `privateKeyJwt`: an assertion signed with `privateKey`",
  ),
  clientSecret: toSchema(text()).optional().describe("The client's secret, for `basic` and `body`"),
  privateKey: toSchema(privateKey).optional().describe(
    "The private key for `privateKeyJwt`: PEM without a passphrase, RSA or EC (P-256, P-384)",
  ),
  algorithm: toSchema(choice<SignatureAlgorithm>(SIGNATURE_ALGORITHMS)).optional().describe(
    "The algorithm that signs the assertion; the default is `RS256`, `ES256` or `ES384`, by the key",
  ),
  keyId: toSchema(text()).optional().describe("The assertion's `kid`, if there are several keys"),
  assertionAudience: toSchema(text()).optional().describe(
    "The assertion's audience; the default is the token endpoint's URL. Some servers expect their issuer",
  ),
  refreshToken: toSchema(text()).optional().describe(
    "The first refresh token, for the grant `refreshToken`",
  ),
  scope: toSchema(text()).optional().describe(
    "The scopes of the token, separated by spaces",
  ),
  audience: toSchema(text()).optional().describe("The audience of the token"),
  parameters: parameters.prefault({}).describe("Further parameters in the body of token requests"),
  ca: toSchema(pem("certificate")).optional().describe(
    "PEM of certificate authorities for the token endpoint, in addition to the built-in ones",
  ),
}).superRefine((section, context) => {
  const { grant, clientAuthentication: method, algorithm, privateKey } = section;
  const refuse = (key: string, refused: string) =>
    context.addIssue({ code: "custom", path: [key], params: { refused } });
  const belongs = (key: keyof typeof section, isMeant: boolean, setting: string) => {
    if (section[key] !== undefined && !isMeant) refuse(key, `needs '${setting}'`);
  };
  const isRequired = (key: keyof typeof section, setting: string) => {
    if (section[key] === undefined) refuse(key, `required with '${setting}'`);
  };
  const isSigned = method === "privateKeyJwt";
  if (isSigned) isRequired("privateKey", "clientAuthentication: privateKeyJwt");
  else isRequired("clientSecret", `clientAuthentication: ${method}`);
  if (grant === "refreshToken") isRequired("refreshToken", "grant: refreshToken");
  belongs("clientSecret", !isSigned, "clientAuthentication: basic' or 'body");
  for (const key of ["privateKey", "algorithm", "keyId", "assertionAudience"] as const) {
    belongs(key, isSigned, "clientAuthentication: privateKeyJwt");
  }
  belongs("refreshToken", grant === "refreshToken", "grant: refreshToken");
  if (algorithm === undefined || privateKey === undefined) return;
  if (!algorithmsFor(privateKey).includes(algorithm)) {
    refuse("algorithm", "does not fit the private key");
  }
}).transform((
  {
    clientAuthentication: method,
    clientSecret = "",
    privateKey = "",
    algorithm,
    keyId,
    assertionAudience,
    ca,
    ...others
  },
): OAuth2Config & { readonly type: "oauth2" } => ({
  ...others,
  clientAuthentication: method === "privateKeyJwt"
    ? present({ method, privateKey, algorithm, keyId, assertionAudience })
    : { method, clientSecret },
  ...present({ caPem: ca }),
}));

function present<Section extends object>(section: Section): Section {
  return Object.fromEntries(
    Object.entries(section).filter(([, value]) => value !== undefined),
  ) as Section;
}
