import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { HandlerError } from "../../../../src/core/handler.ts";
import { checkEndpoint } from "../../../../src/transports/http/check.ts";
import { httpHandlerSchema } from "../../../../src/transports/http/config.ts";
import { HttpTokenEndpoint } from "../../../../src/transports/oauth2/token_endpoint.ts";
import { TokenError } from "../../../../src/transports/oauth2/token_response.ts";
import { CertificateAuthority } from "../../../support/tls/certificate_authority.ts";
import { certifiedKey } from "../../../support/tls/certificates.ts";
import { startEndpoint } from "../../../support/http/endpoint.ts";
import { anEvent } from "../../../support/events.ts";
import { openHandler } from "../../../support/http/handler.ts";
import { startRawEndpoint, textOf } from "../../../support/http/raw_endpoint.ts";

const NEVER = new AbortController().signal;

Deno.test("HttpHandler sends nothing to an endpoint whose certificate is of an authority it does not know", async () => {
  await using endpoint = startEndpoint(undefined, { tls: certifiedKey() });
  await using handler = openHandler(endpoint.url);

  await assertRejects(
    () => handler.handle(anEvent(), NEVER),
    HandlerError,
    ": certificate not accepted: unknown authority",
  );

  assertEquals(endpoint.calls.length, 0);
});

Deno.test("HttpHandler tells of the client certificate, when the endpoint closes each connection without a word", async () => {
  const authority = new CertificateAuthority();
  const endpoint = Deno.listenTls({
    port: 0,
    hostname: "127.0.0.1",
    ...authority.serverCertificate(),
  });
  await using closing = closeEach(endpoint);
  await using handler = openHandler(`https://localhost:${closing.port}/`, {
    tls: { ca: authority.cert, ...authority.clientCertificate() },
  });

  await assertRejects(
    () => handler.handle(anEvent(), NEVER),
    HandlerError,
    ": connection closed before any answer: the endpoint may not accept the client certificate",
  );
});

Deno.test("HttpHandler says so, when an endpoint for https:// speaks no TLS", async () => {
  await using endpoint = startRawEndpoint(async (connection) => {
    await connection.write("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  await using handler = openHandler(`https://${endpoint.host}/`);

  await assertRejects(
    () => handler.handle(anEvent(), NEVER),
    HandlerError,
    ": the port does not speak TLS: it may need an http:// URL",
  );
});

Deno.test("HttpHandler says how to make it anew, when the endpoint's certificate is its own authority", async () => {
  const { cert, key } =
    new CertificateAuthority("localhost", { names: ["localhost"] }).certifiedKey;
  await using endpoint = startEndpoint(undefined, { tls: { cert, key } });
  await using handler = openHandler(endpoint.url, { tls: { ca: cert } });

  await assertRejects(
    () => handler.handle(anEvent(), NEVER),
    HandlerError,
    ": certificate not accepted: it is a certificate of an authority (CA:TRUE), which a server " +
      "cannot use: recreate it with basicConstraints=CA:FALSE",
  );
});

Deno.test("checkEndpoint() says the same", async () => {
  const { cert, key } =
    new CertificateAuthority("localhost", { names: ["localhost"] }).certifiedKey;
  await using endpoint = startEndpoint(undefined, { tls: { cert, key } });
  const config = httpHandlerSchema.parse({ type: "http", url: endpoint.url, tls: { ca: cert } });
  const problems = await checkEndpoint(config);
  assertEquals(problems.length, 1);
  assertStringIncludes(problems[0] ?? "", "recreate it with basicConstraints=CA:FALSE");
});

Deno.test("HttpHandler accepts a certificate that nobody else has signed, when it is none of an authority", async () => {
  const own = new CertificateAuthority("localhost", { names: ["localhost"], isAuthority: false });
  const { cert, key } = own.certifiedKey;
  await using endpoint = startEndpoint(undefined, { tls: { cert, key } });
  await using handler = openHandler(endpoint.url, { tls: { ca: cert } });

  assertEquals((await handler.handle(anEvent(), NEVER)).when, "onSuccess");
});

Deno.test("HttpTokenEndpoint says how to make it anew, when the server's certificate is its own authority", async () => {
  const { cert, key } =
    new CertificateAuthority("localhost", { names: ["localhost"] }).certifiedKey;
  await using endpoint = startEndpoint(undefined, { tls: { cert, key } });
  const tokens = new HttpTokenEndpoint({
    tokenEndpoint: endpoint.url,
    grant: "clientCredentials",
    clientId: "eventor",
    clientAuthentication: { method: "basic", clientSecret: "secret" },
    parameters: [],
    caPem: cert,
  });
  await assertRejects(
    () => tokens.request(undefined, NEVER),
    TokenError,
    "recreate it with basicConstraints=CA:FALSE",
  );
});

for (const [address, hostname] of [["127.0.0.1", "127.0.0.1"], ["[::1]", "::1"]] as const) {
  for (const clientKind of ["without", "with"]) {
    Deno.test(`HttpHandler reaches ${address} by TLS, when the certificate names the address, ${clientKind} a client certificate`, async () => {
      const authority = new CertificateAuthority();
      await using server = Deno.serve(
        { hostname, port: 0, onListen() {}, ...authority.serverCertificate([hostname]) },
        () => new Response("answer"),
      );
      const client = clientKind === "with" ? authority.clientCertificate() : {};
      await using handler = openHandler(`https://${address}:${server.addr.port}/`, {
        tls: { ca: authority.cert, ...client },
      });

      const { value } = await handler.handle(anEvent(), NEVER);

      assertEquals(textOf(value), "answer");
    });
  }
}

Deno.test("HttpHandler does not reach an address by TLS, when the certificate names another one", async () => {
  const authority = new CertificateAuthority();
  await using endpoint = startEndpoint(undefined, {
    tls: authority.serverCertificate(["127.0.0.2"]),
  });
  const url = endpoint.url.replace("localhost", "127.0.0.1");
  await using handler = openHandler(url, { tls: { ca: authority.cert } });

  await assertRejects(
    () => handler.handle(anEvent(), NEVER),
    HandlerError,
    ": certificate not accepted: it is for another host name",
  );
});

Deno.test("HttpHandler keeps connections by TLS, and sends again at once what they end without an answer", async () => {
  const authority = new CertificateAuthority();
  await using endpoint = startRawEndpoint(async (connection) => {
    for (let answer = 0; answer < 2; answer++) {
      await connection.readRequest();
      await connection.respond();
    }
    await connection.readRequest();
  }, { tls: authority.serverCertificate() });
  await using handler = openHandler(`https://${endpoint.host}/`, { tls: { ca: authority.cert } });

  for (let call = 0; call < 4; call++) await handler.handle(anEvent({ offset: call }), NEVER);

  assertEquals(endpoint.acceptedConnections, 2);
  const keys = endpoint.requests.map(({ headers }) => headers.get("idempotency-key"));
  assertEquals(new Set(keys).size, 4);
  assertEquals(keys.length, 5);
  assertEquals(keys[2], keys[3]);
});

Deno.test("HttpHandler sends large values by TLS byte for byte", async () => {
  const authority = new CertificateAuthority();
  await using endpoint = startEndpoint(undefined, { tls: authority.serverCertificate() });
  await using handler = openHandler(endpoint.url, { tls: { ca: authority.cert } });
  const value = crypto.getRandomValues(new Uint8Array(60_000));
  const large = new Uint8Array(10 * value.length);
  for (let at = 0; at < large.length; at += value.length) large.set(value, at);

  const result = await handler.handle(anEvent({ value: large }), NEVER);

  assertEquals(result.value, large);
});

Deno.test("HttpHandler gives up a TLS handshake that the endpoint does not answer, in time", async () => {
  await using endpoint = startRawEndpoint((connection) => connection.closed());
  await using handler = openHandler(`https://${endpoint.host}/`, { timeout: "300ms" });

  await assertRejects(() => handler.handle(anEvent(), NEVER), HandlerError, "within 0.3 s");
});

/** Shakes hands, and closes. */
function closeEach(listener: Deno.TlsListener): AsyncDisposable & { readonly port: number } {
  const closing = (async () => {
    for await (const connection of listener) {
      await connection.handshake().catch(() => {});
      connection.close();
    }
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await closing;
    },
  };
}
