import { UnclosedConnectionsError } from "../../http1/unclosed_connections.ts";

/** The keys to correct, by the response of a token endpoint. */
const TO_CORRECT: readonly (readonly [answer: RegExp, keys: string])[] = [
  [
    /(invalid|unauthorized)_client$/,
    "sasl.oauthbearer.client.id or sasl.oauthbearer.client.secret",
  ],
  [/invalid_scope$/, "sasl.oauthbearer.scope"],
  [/status 404$|no JSON object$|'access_token' is missing$/, "sasl.oauthbearer.token.endpoint.url"],
];

/** Why there is no token, with the key to correct if known. */
export function describeTokenFailure(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, keys] = TO_CORRECT.find(([answer]) => answer.test(message)) ?? [];
  return keys === undefined ? message : `${message}; correct ${keys}`;
}

/** Whether there is no token until a new start of the pipeline closes connections to the token endpoint. */
export function needsRestart(error: unknown): boolean {
  return error instanceof UnclosedConnectionsError ||
    (error instanceof Error && needsRestart(error.cause));
}
