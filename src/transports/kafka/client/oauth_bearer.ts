import type { Mechanism } from "kafkajs";
import { Buffer } from "node:buffer";
import Encoder from "kafkajs/src/protocol/encoder.js";
import { type AccessToken, TokenSource } from "../../oauth2/token_source.ts";
import type { KafkaSaslConfig } from "../config/mod.ts";

type OAuthBearerConfig = Extract<KafkaSaslConfig, { mechanism: "oauthbearer" }>;

/** Beyond what a token endpoint has for its answer. */
const TOKEN_DEADLINE_MS = 15_000;

const SEPARATOR = "\x01";

/** In front of the bytes of an answer. */
const LENGTH_BYTES = 4;

/** Which key is to be corrected after an answer of a token endpoint. */
const TO_CORRECT: readonly (readonly [answer: RegExp, keys: string])[] = [
  [
    /(invalid|unauthorized)_client$/,
    "sasl.oauthbearer.client.id or sasl.oauthbearer.client.secret",
  ],
  [/invalid_scope$/, "sasl.oauthbearer.scope"],
  [/status 404$|none of OAuth 2\.0$/, "sasl.oauthbearer.token.endpoint.url"],
];

/** All clients of a pipeline that are the same to a token endpoint have one source. */
const sources = new Map<string, TokenSource>();

/**
 * A token that is not about to expire, as a session that it begins ends with it.
 *
 * @throws {TokenError} why there is none
 */
export async function freshToken(config: OAuthBearerConfig): Promise<AccessToken> {
  const source = sourceOf(config);
  const signal = AbortSignal.timeout(TOKEN_DEADLINE_MS);
  const token = await source.token(signal);
  if (performance.now() < token.renewAtMs) return token;
  source.reject(token);
  try {
    return await source.token(signal);
  } catch (error) {
    if (performance.now() < token.endMs) return token;
    throw error;
  }
}

/** Why there is no token, with the key to correct where it is known. */
export function describeTokenFailure(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, keys] = TO_CORRECT.find(([answer]) => answer.test(message)) ?? [];
  return keys === undefined ? message : `${message}; correct ${keys}`;
}

/**
 * OAUTHBEARER (RFC 7628). kafkajs's own takes a refusal for a success: a broker puts it into an answer without an error
 * code, and waits for one more message (3.2.3).
 */
export function oauthBearer(config: OAuthBearerConfig): Mechanism["authenticationProvider"] {
  return ({ saslAuthenticate }) => ({
    async authenticate(): Promise<void> {
      const token = await freshToken(config);
      try {
        const refusal = await saslAuthenticate({
          request: { encode: () => Promise.resolve(firstMessage(token, config)) },
          response: { decode: (bytes) => Promise.resolve(bytes), parse: refusalIn },
        });
        if (typeof refusal === "string") throw new Error(refusal);
      } catch (error) {
        sourceOf(config).reject(token);
        throw error;
      }
    },
  });
}

function sourceOf({ token }: OAuthBearerConfig): TokenSource {
  const key = JSON.stringify(token);
  const source = sources.get(key) ?? new TokenSource(token);
  sources.set(key, source);
  return source;
}

function firstMessage({ value }: AccessToken, { extensions }: OAuthBearerConfig): Buffer {
  const pairs = Object.entries({ auth: `Bearer ${value}`, ...extensions })
    .map(([name, text]) => `${name}=${text}${SEPARATOR}`);
  const message = `n,,${SEPARATOR}${pairs.join("")}${SEPARATOR}`;
  return new Encoder().writeBytes(Buffer.from(message)).buffer;
}

/** Why a broker refuses a token, when it does. */
function refusalIn(bytes: Buffer): string | null {
  const text = bytes.subarray(LENGTH_BYTES).toString();
  if (text === "") return null;
  try {
    return String(JSON.parse(text).status);
  } catch {
    return "no reason given";
  }
}
