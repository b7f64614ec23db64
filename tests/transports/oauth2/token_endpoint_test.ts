import { assert, assertEquals, assertRejects } from "@std/assert";
import { generateKeyPairSync } from "node:crypto";
import type {
  HttpResponse,
  UnusableResponse,
} from "../../../src/transports/http1/http_response.ts";
import type { LoneRequest } from "../../../src/transports/http1/lone_request.ts";
import { UnclosedConnectionsError } from "../../../src/transports/http1/unclosed_connections.ts";
import type { ClientAuthentication, OAuth2Config } from "../../../src/transports/oauth2/config.ts";
import { HttpTokenEndpoint } from "../../../src/transports/oauth2/token_endpoint.ts";
import { TokenError } from "../../../src/transports/oauth2/token_response.ts";
import { ConnectError } from "../../../src/transports/sockets/connect_error.ts";
import { FakeTimers } from "../../support/fakes/timers.ts";

const CANARY = "canary-5f1e";
const BASIC: ClientAuthentication = { method: "basic", clientSecret: `${CANARY}:+ ü` };
const CONFIG: OAuth2Config = {
  tokenEndpoint: `https://id.example.com/token?key=${CANARY}`,
  grant: "clientCredentials",
  clientId: "or:ders",
  clientAuthentication: BASIC,
  parameters: [],
};
const FORM = "application/x-www-form-urlencoded;charset=UTF-8";
const NAME = "token endpoint 'https://id.example.com/token'";

/** Makes one request, which `response` answers; resolves with what was sent and what came of it. */
async function request(
  config: Partial<OAuth2Config>,
  response: Response | UnusableResponse | Error = Response.json({ "access_token": "a" }),
) {
  const requests: LoneRequest[] = [];
  const endpoint = new HttpTokenEndpoint({ ...CONFIG, ...config }, (request) => {
    requests.push(request);
    return response instanceof Error ? Promise.reject(response) : httpResponse(response);
  });
  const outcome = await endpoint.request(config.refreshToken, new AbortController().signal)
    .catch((error: unknown) => error);
  const [sent] = requests;
  if (sent === undefined) throw new Error("nothing was sent");
  return { sent, outcome };
}

async function httpResponse(response: Response | UnusableResponse): Promise<HttpResponse> {
  if (!(response instanceof Response)) return response;
  const { status, headers } = response;
  return { status, headers: new Map(headers), body: await response.bytes() };
}

Deno.test("HttpTokenEndpoint sends what each grant and each way to show the client needs", async (t) => {
  const table: [string, Partial<OAuth2Config>, string, string | undefined][] = [
    [
      "the secret in a header",
      {},
      "grant_type=client_credentials",
      `Basic ${btoa("or%3Aders:canary-5f1e%3A%2B+%C3%BC")}`,
    ],
    [
      "the secret in the body",
      { clientAuthentication: { method: "body", clientSecret: "a b" } },
      "grant_type=client_credentials&client_id=or%3Aders&client_secret=a+b",
      undefined,
    ],
    [
      "a refresh token, and what a request can have besides",
      {
        grant: "refreshToken",
        refreshToken: "r",
        clientAuthentication: { method: "body", clientSecret: "s" },
        scope: "a b",
        audience: "c",
        parameters: [["resource", "d"]],
      },
      "resource=d&scope=a+b&audience=c&refresh_token=r&grant_type=refresh_token&" +
      "client_id=or%3Aders&client_secret=s",
      undefined,
    ],
  ];
  for (const [name, config, body, authorization] of table) {
    await t.step(name, async () => {
      const { sent } = await request(config);
      assertEquals(sent.body, body);
      assertEquals(sent.headers["authorization"], authorization);
      assertEquals(sent.headers["content-type"], FORM);
      assertEquals([sent.method, sent.url], ["POST", CONFIG.tokenEndpoint]);
    });
  }
});

Deno.test("HttpTokenEndpoint signs an assertion that its key's algorithm can verify", async (t) => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const table = [
    ["RS256", rsa, undefined, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }],
    ["PS256", rsa, "PS256", { name: "RSA-PSS", hash: "SHA-256", saltLength: 32 }],
    ["ES256", p256, undefined, { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }],
    ["ES384", p384, undefined, { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" }],
  ] as const;
  for (const [alg, { privateKey, publicKey }, algorithm, parameters] of table) {
    await t.step(alg, async () => {
      const { sent } = await request({
        clientAuthentication: {
          method: "privateKeyJwt",
          privateKey: String(privateKey.export({ type: "pkcs8", format: "pem" })),
          algorithm,
          keyId: "k1",
          assertionAudience: alg === "RS256" ? undefined : "https://id.example.com",
        },
      });
      const [header = "", payload = "", signature = ""] =
        new URLSearchParams(sent.body).get("client_assertion")?.split(".") ?? [];
      assertEquals(decoded(header), { alg, kid: "k1" });
      const { iat, exp, jti, ...claims } = decoded(payload);
      assertEquals(claims, {
        iss: "or:ders",
        sub: "or:ders",
        aud: alg === "RS256" ? CONFIG.tokenEndpoint : "https://id.example.com",
      });
      assertEquals(Number(exp) - Number(iat), 60);
      assert(Math.abs(Number(iat) - Date.now() / 1000) < 10);
      assert(String(jti).length > 10);
      const key = await crypto.subtle.importKey(
        "spki",
        new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
        parameters,
        false,
        ["verify"],
      );
      const isValid = await crypto.subtle.verify(
        parameters,
        key,
        Uint8Array.fromBase64(signature, { alphabet: "base64url" }),
        new TextEncoder().encode(`${header}.${payload}`),
      );
      assert(isValid);
    });
  }
});

function decoded(part: string): Record<string, unknown> {
  const bytes = Uint8Array.fromBase64(part, { alphabet: "base64url" });
  return JSON.parse(new TextDecoder().decode(bytes));
}

Deno.test("HttpTokenEndpoint reads what is granted", async (t) => {
  const token = { "access_token": "a.b", "token_type": "bearer" };
  const table: [string, Record<string, unknown>, unknown][] = [
    ["no more than a token", token, { accessToken: "a.b" }],
    ["a life", { ...token, expires_in: 10 }, { accessToken: "a.b", lifetimeMs: 10_000 }],
    ["a life as text", { ...token, expires_in: "10" }, { accessToken: "a.b", lifetimeMs: 10_000 }],
    ["a life of 0", { ...token, expires_in: 0 }, { accessToken: "a.b" }],
    ["a new refresh token", { ...token, refresh_token: "r" }, {
      accessToken: "a.b",
      refreshToken: "r",
    }],
    ["no type of the token", { access_token: "a.b", expires_in: 86399 }, {
      accessToken: "a.b",
      lifetimeMs: 86_399_000,
    }],
    [
      "null in place of what is absent",
      {
        access_token: "a.b",
        token_type: null,
        expires_in: null,
        refresh_token: null,
        scope: null,
        id_token: null,
        error: null,
      },
      { accessToken: "a.b" },
    ],
    ["scopes as a list", { ...token, scope: ["a", "b"] }, { accessToken: "a.b" }],
    ["a part of a second", { ...token, expires_in: "0.5" }, {
      accessToken: "a.b",
      lifetimeMs: 500,
    }],
    ["a life below 0", { ...token, expires_in: -1 }, { accessToken: "a.b" }],
    ["an empty refresh token", { ...token, refresh_token: "" }, { accessToken: "a.b" }],
    ["a type in capitals", { access_token: "a.b", token_type: "BEARER" }, { accessToken: "a.b" }],
    ["an ID token, whatever it is", { ...token, id_token: "no JWT" }, { accessToken: "a.b" }],
  ];
  for (const [name, body, expected] of table) {
    await t.step(name, async () => {
      assertEquals((await request({}, Response.json(body))).outcome, expected);
    });
    await t.step(`${name}, for a refresh token`, async () => {
      const config = { grant: "refreshToken" as const, refreshToken: "r" };
      assertEquals((await request(config, Response.json(body))).outcome, expected);
    });
  }
  await t.step("JSON that is said to be something else, with status 201", async () => {
    const { outcome } = await request({}, new Response(JSON.stringify(token), { status: 201 }));
    assertEquals(outcome, { accessToken: "a.b" });
  });
  await t.step("a life that is no number of JavaScript's", async () => {
    const { outcome } = await request({}, new Response(`{"access_token":"a","expires_in":1e999}`));
    assertEquals(outcome, { accessToken: "a", lifetimeMs: Number.MAX_SAFE_INTEGER * 1000 });
  });
});

Deno.test("HttpTokenEndpoint says why there is no token, and nothing that the server has written", async (t) => {
  const error = (status: number, code: string) =>
    Response.json({ error: code, error_description: `${CANARY}\n` }, {
      status,
      headers: { "www-authenticate": `Basic realm="${CANARY}"` },
    });
  const json = { headers: { "content-type": "application/json" } };
  const defect = "response cut off after 5 of 10 bytes: connection closed";
  const unusable = (status: number | null): UnusableResponse => ({
    status,
    headers: new Map(),
    body: null,
    defect,
  });
  const table: [string, Response | UnusableResponse | Error, string][] = [
    ["a wrong secret", error(401, "invalid_client"), `${NAME} answered invalid_client`],
    ["a wrong grant", error(400, "invalid_grant"), `${NAME} answered invalid_grant`],
    [
      "a code that nobody knows",
      error(400, CANARY),
      `${NAME} answered status 400 with an unknown error code`,
    ],
    [
      "a failure",
      new Response(CANARY, { status: 503 }),
      `${NAME} answered status 503`,
    ],
    [
      "another page",
      new Response(CANARY, { status: 404, headers: { "content-type": "text/html" } }),
      `${NAME} answered status 404`,
    ],
    [
      "a redirect, which is not followed",
      new Response(null, { status: 302, headers: { location: `https://${CANARY}/` } }),
      `${NAME} answered status 302`,
    ],
    ["no content", new Response(null, { status: 204 }), `${NAME} answered status 204`],
    [
      "no JSON",
      new Response(CANARY, json),
      `${NAME} returned an invalid OAuth 2.0 response: its body is not a JSON object`,
    ],
    [
      "HTML",
      new Response(CANARY),
      `${NAME} returned an invalid OAuth 2.0 response: its body is not a JSON object`,
    ],
    [
      "no token",
      Response.json({}),
      `${NAME} returned an invalid OAuth 2.0 response: 'access_token' is missing`,
    ],
    [
      "a list",
      Response.json([]),
      `${NAME} returned an invalid OAuth 2.0 response: its body is not a JSON object`,
    ],
    [
      "a token of another type",
      Response.json({ "access_token": CANARY, "token_type": "mac" }),
      `${NAME} returned an invalid OAuth 2.0 response: 'token_type' is not 'Bearer'`,
    ],
    [
      "a token that needs more than itself",
      Response.json({ "access_token": CANARY, "token_type": "DPoP" }),
      `${NAME} returned an invalid OAuth 2.0 response: 'token_type' is not 'Bearer'`,
    ],
    [
      "a token that is no part of a header",
      Response.json({ "access_token": `${CANARY}\r\nx: y`, "token_type": "bearer" }),
      `${NAME} returned an invalid OAuth 2.0 response: 'access_token' is empty or has invalid characters`,
    ],
    [
      "a token that is no text",
      Response.json({ "access_token": [CANARY] }),
      `${NAME} returned an invalid OAuth 2.0 response: 'access_token' is not text`,
    ],
    [
      "an empty token",
      Response.json({ "access_token": "" }),
      `${NAME} returned an invalid OAuth 2.0 response: 'access_token' is empty or has invalid characters`,
    ],
    [
      "a token that is null",
      Response.json({ "access_token": null, "token_type": "Bearer" }),
      `${NAME} returned an invalid OAuth 2.0 response: 'access_token' is missing`,
    ],
    ...[CANARY, "", true, [1], {}, "1h"].map((life): [string, Response, string] => [
      `a life of ${JSON.stringify(life)}`,
      Response.json({ "access_token": CANARY, "expires_in": life }),
      `${NAME} returned an invalid OAuth 2.0 response: 'expires_in' is not a number`,
    ]),
    [
      "a refresh token that is no text",
      Response.json({ "access_token": "a", "refresh_token": { a: CANARY } }),
      `${NAME} returned an invalid OAuth 2.0 response: 'refresh_token' is not text`,
    ],
    [
      "a type that is no text",
      Response.json({ "access_token": "a", "token_type": [CANARY] }),
      `${NAME} returned an invalid OAuth 2.0 response: 'token_type' is not 'Bearer'`,
    ],
    [
      "an error with nulls",
      Response.json({ error: "invalid_scope", error_description: null, error_uri: null }, {
        status: 400,
      }),
      `${NAME} answered invalid_scope`,
    ],
    [
      "an error with status 200",
      Response.json({ error: "invalid_client", access_token: null }),
      `${NAME} answered invalid_client`,
    ],
    [
      "an error with status 200 that nobody knows",
      Response.json({ error: CANARY }),
      `${NAME} returned an invalid OAuth 2.0 response: 'access_token' is missing`,
    ],
    [
      "nothing",
      new Response("", json),
      `${NAME} returned an invalid OAuth 2.0 response: its body is not a JSON object`,
    ],
    [
      "a part of a success",
      unusable(200),
      `${NAME} returned an invalid OAuth 2.0 response: ${defect}`,
    ],
    ["no HTTP", unusable(null), `${NAME} returned an invalid OAuth 2.0 response: ${defect}`],
    ["a part of a failure", unusable(503), `${NAME} answered status 503`],
    ["a status that HTTP does not know", unusable(999), `${NAME} answered status 999`],
    [
      "nobody there",
      new ConnectError("ECONNREFUSED"),
      `${NAME} did not answer: connection refused`,
    ],
    [
      "a certificate of somebody else",
      new TypeError("invalid peer certificate: UnknownIssuer"),
      `${NAME} did not answer: certificate not accepted: unknown authority`,
    ],
  ];
  for (const [name, response, expected] of table) {
    await t.step(name, async () => {
      const { outcome } = await request({}, response);
      if (!(outcome instanceof TokenError)) throw new Error(`no TokenError: ${outcome}`);
      assertEquals(outcome.message, expected);
      assertEquals(outcome.cause, undefined);
    });
  }
});

Deno.test("HttpTokenEndpoint ends a request that takes longer than 10 s", async () => {
  using timers = new FakeTimers();
  const { promise: sent, resolve } = Promise.withResolvers<void>();
  const endpoint = new HttpTokenEndpoint(CONFIG, ({ call }) => {
    resolve();
    return new Promise((_, reject) => call.onGivenUp(reject));
  });
  const outcome = endpoint.request(undefined, new AbortController().signal);
  await sent;
  assertEquals(timers.delaysMs, [10_000]);
  const laterMs = performance.now() + 10_000;
  using _clock = { [Symbol.dispose]: () => void Reflect.deleteProperty(performance, "now") };
  performance.now = () => laterMs;
  timers.fire(0);
  await assertRejects(
    () => outcome,
    TokenError,
    `${NAME} did not answer: no complete response within 10 s`,
  );
});

Deno.test("HttpTokenEndpoint ends a request with its signal", async () => {
  const given = new AbortController();
  const endpoint = new HttpTokenEndpoint(CONFIG, ({ call }) => {
    given.abort();
    return new Promise((_, reject) => call.onGivenUp(reject));
  });
  await assertRejects(
    () => endpoint.request(undefined, given.signal),
    TokenError,
    `${NAME} did not answer: given up`,
  );
});

Deno.test("HttpTokenEndpoint throws what ends the pipeline as it is", async () => {
  const endpoint = new HttpTokenEndpoint(
    CONFIG,
    () => Promise.reject(new UnclosedConnectionsError()),
  );
  await assertRejects(
    () => endpoint.request(undefined, new AbortController().signal),
    UnclosedConnectionsError,
  );
});
