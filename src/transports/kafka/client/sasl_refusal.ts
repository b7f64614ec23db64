import { UnclosedConnectionsError } from "../../http1/unclosed_connections.ts";
import { TokenError } from "../../oauth2/token_response.ts";
import type { KafkaSaslConfig } from "../config/mod.ts";
import type { BrokerRefusedError, LoginAttempt } from "./login_throttle.ts";

/** Characters of a broker's reason to show. */
const MAX_REASON = 200;

/** Error types about the port, the same for every account. */
const ABOUT_PORT = new Set<unknown>(["UNSUPPORTED_SASL_MECHANISM", "ILLEGAL_SASL_STATE"]);

/** The keys to correct, by the response of a token endpoint. */
const TO_CORRECT: readonly (readonly [answer: RegExp, keys: string])[] = [
  [
    /(invalid|unauthorized)_client$/,
    "sasl.oauthbearer.client.id or sasl.oauthbearer.client.secret",
  ],
  [/invalid_scope$/, "sasl.oauthbearer.scope"],
  [/status 404$|no JSON object$|'access_token' is missing$/, "sasl.oauthbearer.token.endpoint.url"],
];

/** Refuses a login whose SASL exchange failed, or for which there is no token. */
export function refuseLogin(
  attempt: LoginAttempt,
  failure: unknown,
  client: { broker: string; sasl: KafkaSaslConfig },
): BrokerRefusedError {
  return attempt.refuse(saslRefusal(failure, client), {
    isAboutAccount: !ABOUT_PORT.has(Object(failure).type),
    needsRestart: needsRestart(failure),
  });
}

/** Why a SASL login failed, with the keys to correct. */
export function saslRefusal(
  failure: unknown,
  { broker, sasl }: { broker: string; sasl: KafkaSaslConfig },
): string {
  const { type, message = String(failure) } = Object(failure);
  const mechanism = sasl.mechanism.toUpperCase();
  const reason = String(message).slice(0, MAX_REASON);
  if (failure instanceof TokenError || isTimeout(failure) || needsRestart(failure)) {
    const [, keys] = TO_CORRECT.find(([answer]) => answer.test(message)) ?? [];
    const correct = keys === undefined ? "" : `; correct ${keys}`;
    return `cannot log in to broker ${broker} without a token: ${message}${correct}`;
  }
  switch (type) {
    case "UNSUPPORTED_SASL_MECHANISM":
      return `broker ${broker} does not know ${mechanism} at this port: correct sasl.mechanism, or the port in bootstrap.servers`;
    case "ILLEGAL_SASL_STATE":
      return `broker ${broker} does not use SASL at this port: correct the port in bootstrap.servers, or security.protocol`;
  }
  if (sasl.mechanism === "oauthbearer") {
    const { clientId } = sasl.token;
    return `broker ${broker} refuses the token of client '${clientId}' (${mechanism}): ` +
      `${reason}; it may want another scope, audience or issuer`;
  }
  const user = `user '${sasl.username}'`;
  return `broker ${broker} refuses ${user} (${mechanism}): ${reason}; correct sasl.username or sasl.password`;
}

/** Whether the deadline of `freshToken()` has passed. */
function isTimeout(failure: unknown): boolean {
  return failure instanceof DOMException && failure.name === "TimeoutError";
}

/** Whether there is no token until a new start of the pipeline closes connections to the token endpoint. */
function needsRestart(error: unknown): boolean {
  return error instanceof UnclosedConnectionsError ||
    (error instanceof Error && needsRestart(error.cause));
}
