import type { AuthenticationProviderArgs } from "kafkajs";
import { Buffer } from "node:buffer";
import type { Logger } from "../../../core/log.ts";
import { type AccessToken, TokenSource } from "../../oauth2/token_source.ts";
import type { KafkaSaslConfig } from "../config/mod.ts";

type OAuthBearerConfig = Extract<KafkaSaslConfig, { mechanism: "oauthbearer" }>;

/** Longer than the 10 s that a request to the token endpoint may take. */
const TOKEN_DEADLINE_MS = 15_000;

const SEPARATOR = "\x01";

/** The length field before the bytes of a SASL message. */
const LENGTH_BYTES = 4;

/** Clients of a pipeline with equal token settings share one source. */
const sources = new Map<string, TokenSource>();

/**
 * A token that does not expire soon, as its session ends with it.
 *
 * @throws {TokenError} when the token endpoint gives none
 * @throws {DOMException} when it takes too long
 */
export async function freshToken(config: OAuthBearerConfig, log: Logger): Promise<AccessToken> {
  return await sourceOf(config, log).fresh(AbortSignal.timeout(TOKEN_DEADLINE_MS));
}

/**
 * Authenticates by OAUTHBEARER (RFC 7628). kafkajs's own mechanism takes a refusal for a success: a broker sends it
 * without an error code and waits for one more message (3.2.3).
 */
export async function authenticateByToken(
  { saslAuthenticate }: Pick<AuthenticationProviderArgs, "saslAuthenticate">,
  { config, log }: { config: OAuthBearerConfig; log: Logger },
): Promise<void> {
  const token = await freshToken(config, log);
  try {
    const refusal = await saslAuthenticate({
      request: { encode: () => Promise.resolve(firstMessage(token, config)) },
      response: { decode: (bytes) => Promise.resolve(bytes), parse: refusalOf },
    });
    if (typeof refusal === "string") throw new Error(refusal);
  } catch (error) {
    sourceOf(config, log).reject(token);
    throw error;
  }
}

function sourceOf({ token }: OAuthBearerConfig, log: Logger): TokenSource {
  const key = JSON.stringify(token);
  const source = sources.get(key) ?? new TokenSource(token, { log });
  sources.set(key, source);
  return source;
}

function firstMessage({ value }: AccessToken, { extensions }: OAuthBearerConfig): Buffer {
  const pairs = Object.entries({ auth: `Bearer ${value}`, ...extensions })
    .map(([name, text]) => `${name}=${text}${SEPARATOR}`);
  const message = Buffer.from(`n,,${SEPARATOR}${pairs.join("")}${SEPARATOR}`);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeInt32BE(message.length);
  return Buffer.concat([length, message]);
}

/** Why the broker refuses the token; null when it accepts it. */
function refusalOf(bytes: Buffer): string | null {
  const text = bytes.subarray(LENGTH_BYTES).toString();
  if (text === "") return null;
  try {
    return String(JSON.parse(text).status);
  } catch {
    return "no reason given";
  }
}
