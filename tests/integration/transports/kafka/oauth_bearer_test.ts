import { assertEquals, assertRejects } from "@std/assert";
import { freshToken } from "../../../../src/transports/kafka/client/oauth_bearer.ts";
import { saslRefusal } from "../../../../src/transports/kafka/client/sasl_refusal.ts";
import { TokenError } from "../../../../src/transports/oauth2/token_response.ts";
import { startEndpoint } from "../../../support/http/endpoint.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

/** Sources of tokens live as long as their process. */
const OPTIONS = { sanitizeResources: false };

function saslFor(tokenEndpoint: string) {
  return {
    mechanism: "oauthbearer",
    extensions: {},
    token: {
      tokenEndpoint,
      grant: "clientCredentials",
      clientId: "eventor",
      clientAuthentication: { method: "basic", clientSecret: "secret" },
      parameters: [],
    },
  } as const;
}

function tokenFrom(tokenEndpoint: string) {
  return freshToken(saslFor(tokenEndpoint), new RecordedLog().log);
}

Deno.test(
  "freshToken() takes a token without a type, and null for what is absent",
  OPTIONS,
  async () => {
    await using endpoint = startEndpoint(() =>
      Response.json({ access_token: "t", expires_in: "86399", scope: null, refresh_token: null })
    );
    assertEquals((await tokenFrom(endpoint.url)).value, "t");
  },
);

Deno.test(
  "freshToken() names the field for which it refuses a token, and the key to correct where one is known",
  OPTIONS,
  async (t) => {
    const table: [answer: object, reason: string][] = [
      [{}, "'access_token' is missing; correct sasl.oauthbearer.token.endpoint.url"],
      [{ access_token: "t", expires_in: "soon" }, "'expires_in' is not a number"],
      [{ access_token: "t", token_type: "DPoP" }, "'token_type' is not 'Bearer'"],
    ];
    for (const [answer, reason] of table) {
      await t.step(reason, async () => {
        await using endpoint = startEndpoint(() => Response.json(answer));
        const error = await assertRejects(() => tokenFrom(endpoint.url), TokenError);
        assertEquals(
          saslRefusal(error, { broker: "kafka:9093", sasl: saslFor(endpoint.url) }),
          `cannot log in to broker kafka:9093 without a token: token endpoint '${endpoint.url}' ` +
            `returned an invalid OAuth 2.0 response: ${reason}`,
        );
      });
    }
  },
);
