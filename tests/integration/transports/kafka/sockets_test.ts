import { assertEquals, assertStringIncludes } from "@std/assert";
import { once } from "node:events";
import { openSocket } from "../../../../src/transports/kafka/client/sockets.ts";
import { CertificateAuthority } from "../../../support/tls/certificate_authority.ts";
import { inTime } from "../../../support/eventually.ts";

Deno.test({
  name: "openSocket() gives up a connection that takes too long",
  // Deno 2.6.8 leaves the connection of a handshake open, though its socket is closed.
  sanitizeResources: false,
  async fn() {
    // It takes connections and says nothing, so that the handshake of TLS stays without an answer.
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { hostname: host, port } = listener.addr;
    let connected = 0;
    const socket = openSocket({ host, port, ssl: {}, onConnect: () => connected++ }, {
      connectionTimeoutMs: 300,
    });
    using _accepted = await listener.accept();

    await inTime(once(socket, "close"), { deadlineMs: 2000, what: "the socket is closed" });

    assertEquals(connected, 0);
  },
});

for (const hostname of ["127.0.0.1", "::1"]) {
  for (const isSecure of [false, true]) {
    Deno.test(`openSocket() reaches a broker at localhost that listens at ${hostname} only, ${isSecure ? "by TLS" : "without TLS"}`, async () => {
      const authority = new CertificateAuthority();
      using listener = isSecure
        ? Deno.listenTls({ hostname, port: 0, ...authority.serverCertificate(["localhost"]) })
        : Deno.listen({ hostname, port: 0 });
      const accepted = listener.accept();
      const settled = Promise.withResolvers<string>();
      const socket = openSocket(
        {
          host: "localhost",
          port: listener.addr.port,
          ...(isSecure ? { ssl: { ca: [authority.cert] } } : {}),
          onConnect: () => settled.resolve("connected"),
        } as Parameters<typeof openSocket>[0],
        { connectionTimeoutMs: 5000 },
      );
      socket.once("error", ({ message }) => settled.resolve(message));
      using connection = await accepted;
      if ("handshake" in connection) await (connection as Deno.TlsConn).handshake();

      assertEquals(await settled.promise, "connected");

      socket.destroy();
    });
  }
}

const IPV6_CERTIFICATES = [
  { names: ["::1"], outcome: "connected" },
  { names: ["::2"], outcome: "not valid" },
  { names: ["localhost", "127.0.0.1"], outcome: "not valid" },
];

for (const { names, outcome } of IPV6_CERTIFICATES) {
  Deno.test(`openSocket() finds a certificate for ${names.join(", ")} ${outcome} for the broker [::1]`, async () => {
    const authority = new CertificateAuthority();
    const listener = Deno.listenTls({
      hostname: "::1",
      port: 0,
      ...authority.serverCertificate(names),
    });
    const serving = serveHandshakes(listener);
    const { hostname: host, port } = listener.addr;
    const settled = Promise.withResolvers<string>();
    const onConnect = () => settled.resolve("connected");
    const socket = openSocket({ host, port, ssl: { ca: [authority.cert] }, onConnect }, {
      connectionTimeoutMs: 5000,
    });
    socket.once("error", ({ message }) => settled.resolve(message));

    assertStringIncludes(await settled.promise, outcome);

    socket.destroy();
    listener.close();
    await serving;
  });
}

/** Until the listener is closed. */
async function serveHandshakes(listener: Deno.TlsListener): Promise<void> {
  for await (const connection of listener) {
    await connection.handshake().catch(() => {});
    connection.close();
  }
}
