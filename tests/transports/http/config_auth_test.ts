import { assert, assertEquals } from "@std/assert";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { isSecretPath } from "../../../src/schema/secrets.ts";
import { httpHandlerSchema } from "../../../src/transports/http/config.ts";
import { httpHandler } from "../../../src/transports/http/mod.ts";
import { configOf, pipelineText, problemsOf } from "../../config/loading.ts";

const CANARY = "canary-5f1e";
const OAUTH2 = {
  type: "oauth2",
  tokenEndpoint: "https://id.example.com/token",
  clientId: "orders",
  clientSecret: CANARY,
};
const EC_KEY = pemOf(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
const RSA_KEY = pemOf(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey);
const ED25519_KEY = pemOf(generateKeyPairSync("ed25519").privateKey);

function pemOf(key: KeyObject): string {
  return String(key.export({ type: "pkcs8", format: "pem" }));
}

function handlerText(keys: Record<string, unknown>): string {
  return pipelineText({ eventHandler: { type: "http", url: "https://localhost/a?b=c", ...keys } });
}

Deno.test("auth reads each kind", async (t) => {
  const { clientSecret: _, ...signed } = OAUTH2;
  const granted = {
    type: "oauth2",
    tokenEndpoint: "https://id.example.com/token",
    grant: "clientCredentials",
    clientId: "orders",
    clientAuthentication: { method: "basic", clientSecret: CANARY },
    parameters: [],
  };
  const table: [string, Record<string, unknown>, unknown][] = [
    ["basic", { type: "basic", username: "ü", password: "a:b ü" }, undefined],
    ["basic, with an empty password", { type: "basic", username: "a", password: "" }, undefined],
    ["bearer", { type: "bearer", token: "a.b_c=" }, undefined],
    ["apiKey", { type: "apiKey", key: "a b" }, { type: "apiKey", header: "X-API-Key", key: "a b" }],
    ["apiKey in Authorization", { type: "apiKey", header: "Authorization", key: "a" }, undefined],
    ["oauth2 with a secret", OAUTH2, granted],
    [
      "oauth2 with all that a request can have",
      {
        ...OAUTH2,
        clientAuthentication: "body",
        grant: "refreshToken",
        refreshToken: "r",
        scope: "a b",
        audience: "c",
        parameters: { resource: "https://a" },
      },
      {
        ...granted,
        grant: "refreshToken",
        clientAuthentication: { method: "body", clientSecret: CANARY },
        parameters: [["resource", "https://a"]],
        refreshToken: "r",
        scope: "a b",
        audience: "c",
      },
    ],
    [
      "oauth2 with a key",
      {
        ...signed,
        clientAuthentication: "privateKeyJwt",
        privateKey: RSA_KEY,
        algorithm: "PS256",
        keyId: "k",
        assertionAudience: "https://id.example.com",
      },
      {
        ...granted,
        clientAuthentication: {
          method: "privateKeyJwt",
          privateKey: RSA_KEY,
          algorithm: "PS256",
          keyId: "k",
          assertionAudience: "https://id.example.com",
        },
      },
    ],
  ];
  for (const [name, auth, expected] of table) {
    await t.step(name, () => {
      const { eventHandler } = configOf(handlerText({ auth })).pipelines[0] ?? {};
      assertEquals(Reflect.get(Object(eventHandler), "auth"), expected ?? auth);
    });
  }
});

Deno.test("auth says what is wrong, and shows nothing of what is secret", async (t) => {
  const visible = "expected printable ASCII characters without spaces, found ***";
  const other = "'auth' sets this header: remove one of the two";
  const privateKeyJwt = { clientAuthentication: "privateKeyJwt", clientSecret: undefined };
  const table: [Record<string, unknown>, string][] = [
    [{ auth: { type: "digest" } }, "auth.type: expected 'basic', 'bearer', 'apiKey' or 'oauth2'"],
    [{ auth: { type: "basic", username: "a" } }, "auth.password: required"],
    [
      { auth: { type: "basic", username: `a:${CANARY}`, password: "" } },
      "auth.username: expected text without ':' and control characters, found 'a:canary-5f1e'",
    ],
    [
      { auth: { type: "basic", username: "a", password: `${CANARY}\n` } },
      "auth.password: expected text without control characters, found ***",
    ],
    [
      { auth: { type: "basic", username: "a", password: 5 } },
      "auth.password: expected text in quotes, found a number",
    ],
    [{ auth: { type: "bearer", token: `${CANARY} b` } }, `auth.token: ${visible}`],
    [{ auth: { type: "bearer", token: `${CANARY}ü` } }, `auth.token: ${visible}`],
    [
      { auth: { type: "bearer", token: "${event.key}" } },
      "auth.token: expected text in quotes, found a template, which is not allowed here",
    ],
    [
      { auth: { type: "apiKey", key: ` ${CANARY}` } },
      "auth.key: expected printable ASCII characters on one line, without spaces at the ends, " +
      "found ***",
    ],
    [
      { auth: { type: "apiKey", header: "Host", key: "a" } },
      "auth.header: this header cannot be set: the HTTP client sets it",
    ],
    [
      { auth: { type: "apiKey", header: "eventor-key", key: "a" } },
      "auth.header: each request has this header, made from its event",
    ],
    [
      { headers: { authorization: CANARY }, auth: { type: "bearer", token: "a" } },
      `headers.authorization: ${other}`,
    ],
    [{ headers: { AUTHORIZATION: CANARY }, auth: OAUTH2 }, `headers.AUTHORIZATION: ${other}`],
    [
      { forwardHeaders: ["x-api-key"], auth: { type: "apiKey", key: "a" } },
      `forwardHeaders[0]: ${other}`,
    ],
    [
      { auth: { ...OAUTH2, tokenEndpoint: `https://me:${CANARY}@a` } },
      "auth.tokenEndpoint: expected a URL without user name and password: use clientId",
    ],
    [
      { auth: { ...OAUTH2, tokenEndpoint: `https:///${CANARY}` } },
      "auth.tokenEndpoint: expected a host name after '//'",
    ],
    [
      { auth: { ...OAUTH2, tokenEndpoint: `https://id:0/${CANARY}` } },
      "auth.tokenEndpoint: expected a port from 1 to 65535, found 0",
    ],
    [
      { auth: { ...OAUTH2, tokenEndpoint: `https://id:99999/${CANARY}` } },
      "auth.tokenEndpoint: expected an http:// or https:// URL with a valid host and port",
    ],
    [
      { auth: { ...OAUTH2, tokenEndpoint: `https://8080/${CANARY}` } },
      "auth.tokenEndpoint: expected a host name, or an IPv4 address as four numbers without leading zeros, such as 127.0.0.1",
    ],
    [
      { auth: { ...OAUTH2, tokenEndpoint: `https://:@id/${CANARY}` } },
      "auth.tokenEndpoint: expected a URL without user name and password: use clientId",
    ],
    [
      { auth: { ...OAUTH2, tokenEndpoint: `ftp://${CANARY}` } },
      "auth.tokenEndpoint: expected an http:// or https:// URL",
    ],
    [
      { auth: { ...OAUTH2, clientSecret: undefined } },
      "auth.clientSecret: required with 'clientAuthentication: basic'",
    ],
    [
      { auth: { ...OAUTH2, grant: "refreshToken" } },
      "auth.refreshToken: required with 'grant: refreshToken'",
    ],
    [
      { auth: { ...OAUTH2, refreshToken: CANARY } },
      "auth.refreshToken: needs 'grant: refreshToken'",
    ],
    [
      { auth: { ...OAUTH2, keyId: "a" } },
      "auth.keyId: needs 'clientAuthentication: privateKeyJwt'",
    ],
    [
      { auth: { ...OAUTH2, clientAuthentication: "privateKeyJwt", privateKey: EC_KEY } },
      "auth.clientSecret: needs 'clientAuthentication: basic' or 'body'",
    ],
    [
      { auth: { ...OAUTH2, ...privateKeyJwt, privateKey: EC_KEY, algorithm: "RS256" } },
      "auth.algorithm: does not fit the private key",
    ],
    [
      { auth: { ...OAUTH2, ...privateKeyJwt, privateKey: ED25519_KEY } },
      "auth.privateKey: expected an RSA key, or an EC key on P-256 or P-384",
    ],
    [
      { auth: { ...OAUTH2, parameters: { client_secret: CANARY } } },
      "auth.parameters.client_secret: set 'clientSecret' instead",
    ],
    [
      { auth: { ...OAUTH2, parameters: { number: 5 } } },
      "auth.parameters.number: expected text in quotes, found a number",
    ],
    [{ auth: { ...OAUTH2, ca: CANARY } }, "auth.ca: expected a PEM text with a certificate: "],
  ];
  for (const [keys, expected] of table) {
    await t.step(expected, () => {
      const [problem = "", ...others] = problemsOf(handlerText(keys));
      assertEquals(others, []);
      assert(problem.startsWith(`pipeline 'orders': eventHandler.${expected}`), problem);
      const mayBeShown = expected.includes(CANARY);
      assert(mayBeShown || !problem.includes(CANARY), problem);
    });
  }
});

Deno.test("isSecretPath() knows the secrets of auth, and no more of it", () => {
  const keys = [
    "type",
    "username",
    "password",
    "token",
    "header",
    "key",
    "tokenEndpoint",
    "grant",
    "clientId",
    "clientSecret",
    "privateKey",
    "keyId",
    "refreshToken",
    "scope",
    "audience",
    "ca",
  ];
  assertEquals(keys.filter((key) => isSecretPath([0, "eventHandler", "auth", key])), [
    "password",
    "token",
    "key",
    "clientSecret",
    "privateKey",
    "refreshToken",
  ]);
  assert(isSecretPath([0, "eventHandler", "auth", "parameters", "resource"]));
  assert(!isSecretPath([0, "eventResultProcessor", "key"]));
});

Deno.test("auth without TLS is worth a warning, except on the same machine", async (t) => {
  const endpoint =
    "eventHandler: 'auth' without TLS: anyone on the network path to the endpoint can read it";
  const tokens =
    "eventHandler: 'auth.tokenEndpoint' without TLS: anyone on the network path to it can read secrets and tokens";
  const table: [string, string, string[]][] = [
    ["https://a/", "https://b/token", []],
    ["http://localhost/", "http://127.0.0.1:80/token", []],
    ["http://[::1]:8080/", "http://LOCALHOST/token", []],
    ["http://a/${event.key}", "https://b/token", [endpoint]],
    ["https://a/", "http://b/token", [tokens]],
  ];
  for (const [url, tokenEndpoint, expected] of table) {
    await t.step(`${url} with ${tokenEndpoint}`, () => {
      const { warnings } = configOf(handlerText({ url, auth: { ...OAUTH2, tokenEndpoint } }));
      assertEquals(warnings.map(({ message }) => message), expected);
    });
  }
});

Deno.test("a handler with auth may reach the token endpoint, and describes itself without secrets", async (t) => {
  const url = "https://localhost/a?b=c";
  const table: [Record<string, unknown>, string[], string][] = [
    [
      { ...OAUTH2, tokenEndpoint: `https://id.example.com/token?a=${CANARY}` },
      ["localhost:443", "id.example.com:443"],
      "POST https://localhost/a, with a token of https://id.example.com/token (oauth2, clientCredentials)",
    ],
    [
      { ...OAUTH2, tokenEndpoint: "https://localhost/token" },
      ["localhost:443"],
      "POST https://localhost/a, with a token of https://localhost/token (oauth2, clientCredentials)",
    ],
    [
      { type: "bearer", token: CANARY },
      ["localhost:443"],
      "POST https://localhost/a, with credentials (bearer)",
    ],
  ];
  for (const [auth, net, description] of table) {
    await t.step(description, () => {
      const config = httpHandlerSchema.parse({ type: "http", url, auth });
      assertEquals(httpHandler.permissions(config), { net, env: [] });
      assertEquals(httpHandler.describe(config), description);
    });
  }
});
