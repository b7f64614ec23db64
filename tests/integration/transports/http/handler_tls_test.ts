import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { HandlerError } from "../../../../src/core/handler.ts";
import { checkEndpoint } from "../../../../src/transports/http/check.ts";
import { httpHandlerSchema } from "../../../../src/transports/http/config.ts";
import { HttpTokenEndpoint } from "../../../../src/transports/oauth2/token_endpoint.ts";
import { TokenError } from "../../../../src/transports/oauth2/token_error.ts";
import { CertificateAuthority } from "../../../support/certificate_authority.ts";
import { certifiedKey } from "../../../support/certificates.ts";
import { startEndpoint } from "../../../support/endpoint.ts";
import { anEvent } from "../../../support/events.ts";
import { openHandler } from "../../../support/http_handler.ts";
import { startRawEndpoint } from "../../../support/raw_endpoint.ts";

const NEVER = new AbortController().signal;

Deno.test("HttpHandler sends nothing to an endpoint whose certificate is of an authority it does not know", async () => {
  await using endpoint = startEndpoint(undefined, { tls: certifiedKey() });
  await using handler = openHandler(endpoint.url);

  await assertRejects(
    () => handler.handle(anEvent(), NEVER),
    HandlerError,
    ": certificate not accepted: its authority is not known",
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
    ": no TLS: the port may be one for http://",
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
    ": certificate not accepted: it is one of an authority (CA:TRUE), which a server cannot use as " +
      "its own: make it anew with basicConstraints=CA:FALSE",
  );
});

Deno.test("checkEndpoint() says the same", async () => {
  const { cert, key } =
    new CertificateAuthority("localhost", { names: ["localhost"] }).certifiedKey;
  await using endpoint = startEndpoint(undefined, { tls: { cert, key } });
  const config = httpHandlerSchema.parse({ type: "http", url: endpoint.url, tls: { ca: cert } });
  const problems = await checkEndpoint(config);
  assertEquals(problems.length, 1);
  assertStringIncludes(problems[0] ?? "", "make it anew with basicConstraints=CA:FALSE");
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
  using tokens = new HttpTokenEndpoint({
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
    "make it anew with basicConstraints=CA:FALSE",
  );
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
