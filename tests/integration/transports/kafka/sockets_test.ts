import { assertEquals } from "@std/assert";
import { once } from "node:events";
import { openSocket } from "../../../../src/transports/kafka/client/sockets.ts";
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
