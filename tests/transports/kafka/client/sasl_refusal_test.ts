import { assertEquals } from "@std/assert";
import { UnclosedConnectionsError } from "../../../../src/transports/http1/unclosed_connections.ts";
import { TokenError } from "../../../../src/transports/oauth2/token_response.ts";
import { saslRefusal } from "../../../../src/transports/kafka/client/sasl_refusal.ts";
import type { KafkaSaslConfig } from "../../../../src/transports/kafka/config/mod.ts";

const USER: KafkaSaslConfig = { mechanism: "scram-sha-512", username: "me", password: "secret" };
const TOKEN: KafkaSaslConfig = {
  mechanism: "oauthbearer",
  token: {
    tokenEndpoint: "https://login.example/token",
    grant: "clientCredentials",
    clientId: "eventor",
    clientAuthentication: { method: "basic", clientSecret: "secret" },
    parameters: [],
  },
  extensions: {},
};

Deno.test("saslRefusal() names what is wrong, and the key to correct", async (t) => {
  const table: [failure: unknown, sasl: KafkaSaslConfig, expected: string][] = [
    [
      ofType("SASL_AUTHENTICATION_FAILED", "Authentication failed"),
      USER,
      "broker kafka:9093 refuses user 'me' (SCRAM-SHA-512): Authentication failed; correct " +
      "sasl.username or sasl.password",
    ],
    [
      ofType("UNSUPPORTED_SASL_MECHANISM", "not supported"),
      USER,
      "broker kafka:9093 does not know SCRAM-SHA-512 at this port: correct sasl.mechanism, or " +
      "the port in bootstrap.servers",
    ],
    [
      ofType("ILLEGAL_SASL_STATE", "not valid"),
      USER,
      "broker kafka:9093 does not use SASL at this port: correct the port in bootstrap.servers, " +
      "or security.protocol",
    ],
    [
      new Error("invalid_token"),
      TOKEN,
      "broker kafka:9093 refuses the token of client 'eventor' (OAUTHBEARER): invalid_token; " +
      "it may want another scope, audience or issuer",
    ],
    [
      new TokenError("token endpoint 'https://login.example/token' answered invalid_client"),
      TOKEN,
      "cannot log in to broker kafka:9093 without a token: token endpoint 'https://login.example/token' " +
      "answered invalid_client; correct sasl.oauthbearer.client.id or sasl.oauthbearer.client.secret",
    ],
    [
      new TokenError("token endpoint 'https://login.example/token' answered invalid_scope"),
      TOKEN,
      "cannot log in to broker kafka:9093 without a token: token endpoint 'https://login.example/token' " +
      "answered invalid_scope; correct sasl.oauthbearer.scope",
    ],
    [
      new TokenError("token endpoint 'https://login.example/token' did not answer: refused"),
      TOKEN,
      "cannot log in to broker kafka:9093 without a token: token endpoint 'https://login.example/token' " +
      "did not answer: refused",
    ],
    [
      new UnclosedConnectionsError(),
      TOKEN,
      `cannot log in to broker kafka:9093 without a token: ${
        new UnclosedConnectionsError().message
      }`,
    ],
  ];
  for (const [failure, sasl, expected] of table) {
    await t.step(expected, () => {
      assertEquals(saslRefusal(failure, { broker: "kafka:9093", sasl }), expected);
    });
  }
});

function ofType(type: string, message: string): Error {
  return Object.assign(new Error(message), { type });
}
