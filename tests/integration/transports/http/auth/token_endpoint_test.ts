import { assert, assertEquals, assertRejects } from "@std/assert";
import zlib from "node:zlib";
import {
  UnclosedConnectionsError,
} from "../../../../../src/transports/http1/unclosed_connections.ts";
import { httpHandlerSchema } from "../../../../../src/transports/http/config.ts";
import { HttpHandler } from "../../../../../src/transports/http/handler.ts";
import type { OAuth2Config } from "../../../../../src/transports/oauth2/config.ts";
import {
  HttpTokenEndpoint,
  type TokenEndpoint,
} from "../../../../../src/transports/oauth2/token_endpoint.ts";
import { TokenError } from "../../../../../src/transports/oauth2/token_response.ts";
import { TokenSource } from "../../../../../src/transports/oauth2/token_source.ts";
import { CertificateAuthority } from "../../../../support/tls/certificate_authority.ts";
import { startEndpoint, unusedPort } from "../../../../support/http/endpoint.ts";
import { anEvent } from "../../../../support/events.ts";
import { eventually } from "../../../../support/eventually.ts";
import { DEFAULT_LIMITS } from "../../../../support/limits.ts";
import { startRawEndpoint, textOf } from "../../../../support/http/raw_endpoint.ts";
import { RecordedLog } from "../../../../support/recorded_log.ts";

const AUTHORITY = new CertificateAuthority();

function configOf(tokenEndpoint: string): OAuth2Config {
  return {
    tokenEndpoint,
    grant: "clientCredentials",
    clientId: "eventor",
    clientAuthentication: { method: "basic", clientSecret: "secret" },
    parameters: [],
    caPem: AUTHORITY.cert,
  };
}

function tokensOf(tokenEndpoint: string): HttpTokenEndpoint {
  return new HttpTokenEndpoint(configOf(tokenEndpoint));
}

function request(tokens: HttpTokenEndpoint, signal = new AbortController().signal) {
  return tokens.request(undefined, signal);
}

/** What comes of an answer with these bytes after `HTTP/1.1 `, and how the server's connection fares. */
async function outcomeOf(answer: string | Uint8Array<ArrayBuffer>): Promise<unknown> {
  await using server = startRawEndpoint(async (connection) => {
    await connection.readRequest();
    await connection.write("HTTP/1.1 ");
    await connection.write(answer);
    await connection.closed();
  });
  const url = `http://${server.host}/token`;
  const outcome = await request(tokensOf(url)).catch((error: unknown) => error);
  await eventually(() => server.openConnections === 0, { what: "the end of the connection" });
  return outcome instanceof TokenError
    ? outcome.message.replace(`token endpoint '${url}' `, "")
    : outcome;
}

function sized(body: string): string {
  return `200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

for (const scheme of ["http", "https"]) {
  for (const hostname of ["127.0.0.1", "::1"]) {
    Deno.test(`HttpTokenEndpoint reaches a server at ${scheme}://localhost that listens at ${hostname} only`, async () => {
      const hosts: (string | null)[] = [];
      await using server = Deno.serve({
        hostname,
        port: 0,
        onListen() {},
        ...(scheme === "https" ? AUTHORITY.serverCertificate() : {}),
      }, ({ headers }) => {
        hosts.push(headers.get("host"));
        return Response.json({ access_token: "t" });
      });
      const host = `localhost:${server.addr.port}`;

      assertEquals(await request(tokensOf(`${scheme}://${host}/token`)), { accessToken: "t" });

      assertEquals(hosts, [host]);
    });
  }
}

Deno.test("HttpTokenEndpoint sends one form, and asks for an answer that is not encoded", async () => {
  await using server = startRawEndpoint(async (connection) => {
    await connection.readRequest();
    await connection.respond(`{"access_token":"t"}`);
  });

  await request(tokensOf(`http://${server.host}/a/token?b=c`));

  const [sent] = server.requests;
  assertEquals(sent?.requestLine, "POST /a/token?b=c HTTP/1.1");
  const { "user-agent": userAgent, ...headers } = Object.fromEntries(sent?.headers ?? []);
  assertEquals(headers, {
    "host": server.host,
    "accept": "application/json",
    "accept-encoding": "identity",
    "authorization": `Basic ${btoa("eventor:secret")}`,
    "content-type": "application/x-www-form-urlencoded;charset=UTF-8",
    "content-length": "29",
    "connection": "close",
  });
  assert(userAgent?.startsWith("eventor/"));
  assertEquals(textOf(sent?.body), "grant_type=client_credentials");
});

Deno.test("HttpTokenEndpoint takes the answers that every client takes", async (t) => {
  const token = `{"access_token":"x"}`;
  const gzip = zlib.gzipSync(token);
  const head = `200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${gzip.length}\r\n\r\n`;
  const table: [name: string, answer: string | Uint8Array<ArrayBuffer>][] = [
    [
      "null for what is absent",
      sized(
        `{"access_token":"x","token_type":null,"expires_in":null,"scope":null,"refresh_token":null}`,
      ),
    ],
    ["in chunks", `200 OK\r\ntransfer-encoding: chunked\r\n\r\n14\r\n${token}\r\n0\r\n\r\n`],
    ["with folded headers", `200 OK\r\na: b\r\n c\r\ncontent-length: 20\r\n\r\n${token}`],
    ["encoded, although that was not asked for", bytes(head, gzip)],
  ];
  for (const [name, answer] of table) {
    await t.step(name, async () => {
      assertEquals(await outcomeOf(answer), { accessToken: "x" });
    });
  }
});

Deno.test("HttpTokenEndpoint says what is wrong with an answer, and ends its connection", async (t) => {
  const table: [name: string, answer: string, reason: string][] = [
    [
      "a body in which there is no token",
      sized(`{"access_token":null}`),
      "returned an invalid OAuth 2.0 response: 'access_token' is missing",
    ],
    [
      "a body that is no JSON",
      sized("token"),
      "returned an invalid OAuth 2.0 response: its body is not a JSON object",
    ],
    [
      "a redirect, which is not followed",
      "307 See\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n",
      "answered status 307",
    ],
    [
      "broken framing",
      "200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
      "returned an invalid OAuth 2.0 response: invalid HTTP response: a chunk has an invalid size",
    ],
    [
      "another protocol",
      "101 Switching Protocols\r\nupgrade: x\r\n\r\n",
      "answered status 101",
    ],
    [
      "a body that is announced to be too large",
      `200 OK\r\ncontent-length: 300000\r\n\r\n`,
      "returned an invalid OAuth 2.0 response: its body is larger than 256 KiB",
    ],
    [
      "a body that becomes too large",
      `200 OK\r\n\r\n${" ".repeat(300_000)}`,
      "returned an invalid OAuth 2.0 response: its body is larger than 256 KiB",
    ],
  ];
  for (const [name, answer, reason] of table) {
    await t.step(name, async () => assertEquals(await outcomeOf(answer), reason));
  }
});

Deno.test("HttpTokenEndpoint says why it reaches nobody", async () => {
  const table: [tokenEndpoint: string, reason: string][] = [
    [`https://localhost:${unusedPort()}/`, "connection refused"],
    ["http://no-such-name.invalid/", "host name not found"],
  ];
  for (const [url, reason] of table) {
    await assertRejects(
      () => request(tokensOf(url)),
      TokenError,
      `token endpoint '${url}' did not answer: ${reason}`,
    );
  }
});

Deno.test("HttpTokenEndpoint closes the connection of a request that is given up", async () => {
  await using server = startRawEndpoint((connection) => connection.closed());
  const given = new AbortController();
  const outcome = request(tokensOf(`http://${server.host}/`), given.signal);
  await eventually(() => server.acceptedConnections === 1, { what: "a connection" });
  given.abort();
  await assertRejects(() => outcome, TokenError, "did not answer: given up");
  await eventually(() => server.openConnections === 0, { what: "the end of the connection" });
});

Deno.test("a handler ends its pipeline when connections to the token endpoint cannot be closed any more", async () => {
  await using endpoint = startEndpoint();
  const asked: TokenEndpoint = { request: () => Promise.reject(new UnclosedConnectionsError()) };
  using tokens = new TokenSource(configOf(endpoint.url), { endpoint: asked });
  const config = httpHandlerSchema.parse({ type: "http", url: endpoint.url });
  const context = { pipeline: "orders", log: new RecordedLog().log, limits: DEFAULT_LIMITS };
  await using handler = new HttpHandler(config, context, { tokens });
  await assertRejects(
    () => handler.handle(anEvent(), new AbortController().signal),
    UnclosedConnectionsError,
  );
  assertEquals(endpoint.calls.length, 0);
});

function bytes(head: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...new TextEncoder().encode(head), ...body]);
}
