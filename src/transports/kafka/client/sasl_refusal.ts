import { TokenError } from "../../oauth2/token_response.ts";
import type { KafkaSaslConfig } from "../config/mod.ts";
import { describeTokenFailure, needsRestart } from "./token_failure.ts";

/** Characters of a broker's reason to show. */
const MAX_REASON = 200;

/** Error types about the port, the same for every account. */
const ABOUT_PORT = new Set<unknown>(["UNSUPPORTED_SASL_MECHANISM", "ILLEGAL_SASL_STATE"]);

/** Whether the broker refuses the account, not the mechanism or SASL as such. */
export function isAboutAccount(failure: unknown): boolean {
  return !ABOUT_PORT.has(Object(failure).type);
}

/** Why a SASL login failed, with the keys to correct. */
export function saslRefusal(
  failure: unknown,
  { broker, sasl }: { broker: string; sasl: KafkaSaslConfig },
): string {
  const { type, message = String(failure) } = Object(failure);
  const mechanism = sasl.mechanism.toUpperCase();
  const reason = String(message).slice(0, MAX_REASON);
  if (failure instanceof TokenError || needsRestart(failure)) {
    return `cannot log in to broker ${broker} without a token: ${describeTokenFailure(failure)}`;
  }
  switch (type) {
    case "UNSUPPORTED_SASL_MECHANISM":
      return `broker ${broker} does not know ${mechanism} at this port: correct sasl.mechanism, or the port in bootstrap.servers`;
    case "ILLEGAL_SASL_STATE":
      return `broker ${broker} asks for no SASL at this port: correct the port in bootstrap.servers, or security.protocol`;
  }
  if (sasl.mechanism === "oauthbearer") {
    const { clientId } = sasl.token;
    return `broker ${broker} refuses the token of client '${clientId}' (${mechanism}): ` +
      `${reason}; it may want another scope, audience or issuer`;
  }
  const user = `user '${sasl.username}'`;
  return `broker ${broker} refuses ${user} (${mechanism}): ${reason}; correct sasl.username or sasl.password`;
}
