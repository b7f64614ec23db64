import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { HandlerError } from "../../../../src/core/handler.ts";
import { startEndpoint } from "../../../support/endpoint.ts";
import { anEvent, bytes } from "../../../support/events.ts";
import { eventually } from "../../../support/eventually.ts";
import { openHandler } from "../../../support/http_handler.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";
import { type RawConnection, startRawEndpoint, textOf } from "../../../support/raw_endpoint.ts";

const NEVER = new AbortController().signal;

/** What an endpoint may do with a request on a connection that it has kept, before it closes the connection. */
const ENDS: readonly {
  readonly when: string;
  readonly end: (connection: RawConnection) => Promise<void>;
}[] = [
  {
    when: "is reset",
    end: async (connection) => void await connection.readRequest({ leaveUnread: 1 }),
  },
  {
    when: "is closed without an answer",
    end: async (connection) => void await connection.readRequest(),
  },
  {
    when: "is closed within the headers of the answer",
    end: async (connection) => {
      await connection.readRequest();
      await connection.write("HTTP/1.1 200 OK\r\ncontent-le");
    },
  },
];

/** One for each of the clients: what is large is sent by `fetch`. */
const VALUES: readonly { readonly size: string; readonly padding: string }[] = [
  { size: "small", padding: "" },
  { size: "large", padding: "x".repeat(100_000) },
];

for (
  const [{ when, end }, { size, padding }] of ENDS.flatMap((end) =>
    VALUES.map((value) => [end, value] as const)
  )
) {
  Deno.test(`HttpHandler sends a ${size} request once, when its connection ${when}`, async () => {
    await using endpoint = startRawEndpoint(end);
    await using handler = openHandler(`http://${endpoint.host}/`);
    const event = anEvent({ value: bytes(`value${padding}`) });
    await assertRejects(() => handler.handle(event, NEVER), HandlerError);
    assertEquals(endpoint.requests.length, 1);
  });

  Deno.test(`HttpHandler sends ${size} requests once, when connections that were kept end: each ${when}`, async () => {
    const { promise: allAreHere, resolve } = Promise.withResolvers<void>();
    await using endpoint = startRawEndpoint(async (connection) => {
      await connection.readRequest();
      if (endpoint.requests.length === 10) resolve();
      await allAreHere;
      await connection.respond();
      await end(connection);
    });
    await using handler = openHandler(`http://${endpoint.host}/`);
    const callAll = (round: string) =>
      Promise.allSettled(Array.from(
        { length: 10 },
        (_, call) => handler.handle(anEvent({ value: bytes(`${call} ${round}${padding}`) }), NEVER),
      ));
    await callAll("kept");

    const ends = await callAll("ended");

    assertEquals(ends.map(({ status }) => status), Array(10).fill("rejected"));
    assertEquals(endpoint.acceptedConnections, 10);
    const numbers = endpoint.requests.slice(10).map(({ body }) => textOf(body.subarray(0, 1)));
    assertEquals(numbers.sort(), Array.from("0123456789"));
  });
}

Deno.test("HttpHandler sends a request once, when the connection that was kept has been closed meanwhile", async () => {
  await using endpoint = startRawEndpoint(async (connection) => {
    await connection.readRequest();
    await connection.respond();
  });
  await using handler = openHandler(`http://${endpoint.host}/`);

  const answered: string[] = [];
  for (let call = 0; call < 20; call++) {
    // Whether the client knows by now that it was closed is a matter of luck.
    await handler.handle(anEvent({ value: bytes(`${call}`) }), NEVER)
      .then(() => answered.push(`${call}`), (error) => assertInstanceOf(error, HandlerError));
    await eventually(() => endpoint.openConnections === 0, { what: "the connection to be closed" });
  }

  assertEquals(endpoint.requests.map(({ body }) => textOf(body)), answered);
  // A call that fails leaves no connection behind for the next one.
  assert(answered.length >= 10, `${answered.length} calls were answered`);
});

Deno.test("HttpHandler uses as many connections as calls are in flight, again and again", async () => {
  const { concurrency } = DEFAULT_LIMITS;
  await using endpoint = startRawEndpoint(async (connection) => {
    while (await connection.readRequest() !== null) await connection.respond();
  });
  await using handler = openHandler(`http://${endpoint.host}/`);
  const callTenTimes = async () => {
    for (let call = 0; call < 10; call++) await handler.handle(anEvent(), NEVER);
  };

  await Promise.all(Array.from({ length: concurrency }, callTenTimes));

  assertEquals(endpoint.requests.length, 10 * concurrency);
  const connections = endpoint.acceptedConnections;
  // A call that finds no free connection begins to open one, even if another becomes free first.
  assert(connections < 2 * concurrency, `${connections} connections`);
  assert(endpoint.openConnections <= concurrency, `${endpoint.openConnections} are open`);
});

Deno.test("HttpHandler sends nothing more on a connection on which more came than a response", async () => {
  await using endpoint = startRawEndpoint(async (connection, number) => {
    await connection.readRequest();
    await connection.write(
      `HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${number}HTTP/1.1 200 OK\r\n`,
    );
    await connection.closed();
  });
  await using handler = openHandler(`http://${endpoint.host}/`);

  for (const expected of ["0", "1", "2"]) {
    assertEquals(textOf((await handler.handle(anEvent(), NEVER)).value), expected);
  }

  await eventually(() => endpoint.openConnections === 0, { what: "the connections to be closed" });
});

for (
  const { what, method, wire } of [
    {
      what: "a status without a body",
      method: "POST",
      wire: "HTTP/1.1 204 No\r\ncontent-length: 42\r\n\r\n",
    },
    {
      what: "an answer to HEAD",
      method: "HEAD",
      wire: "HTTP/1.1 200 OK\r\ncontent-length: 42\r\n\r\n",
    },
  ]
) {
  Deno.test(`HttpHandler never takes what an endpoint sends behind ${what} for the next response`, async () => {
    await using endpoint = startRawEndpoint(async (connection) => {
      while (await connection.readRequest() !== null) {
        await connection.write(wire);
        await new Promise((resolve) => setTimeout(resolve, 1));
        await connection.write("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n");
      }
    });
    await using handler = openHandler(`http://${endpoint.host}/`, { method });

    for (let call = 0; call < 5; call++) {
      assertEquals((await handler.handle(anEvent(), NEVER)).when, "onSuccess");
    }
  });
}

Deno.test("HttpHandler leaves no connection behind, when calls are given up while they connect", async () => {
  await using endpoint = startRawEndpoint(async (connection) => {
    await connection.readRequest();
    await connection.closed();
  });
  await using handler = openHandler(`http://${endpoint.host.replace("127.0.0.1", "localhost")}/`);

  for (let call = 0; call < 50; call++) {
    const lease = new AbortController();
    const ends = Promise.allSettled([handler.handle(anEvent(), lease.signal)]);
    await new Promise((resolve) => setTimeout(resolve, 0));
    lease.abort();
    assertEquals((await ends)[0].status, "rejected");
  }

  await eventually(() => endpoint.acceptedConnections > 0 && endpoint.openConnections === 0, {
    what: () => `all connections to be closed; ${endpoint.openConnections} are open`,
  });
});

Deno.test("HttpHandler closes connections that nobody has used for a while", async () => {
  await using endpoint = startRawEndpoint(async (connection) => {
    while (await connection.readRequest() !== null) await connection.respond();
  });
  await using handler = openHandler(`http://${endpoint.host}/`);
  await Promise.all(Array.from({ length: 3 }, () => handler.handle(anEvent(), NEVER)));
  assertEquals(endpoint.openConnections, 3);

  await eventually(() => endpoint.openConnections === 0, {
    deadlineMs: 15_000,
    what: "the connections to be closed",
  });

  await handler.handle(anEvent(), NEVER);
  assertEquals(endpoint.acceptedConnections, 4);
});

Deno.test("HttpHandler says how long a large value is", async () => {
  const value = new Uint8Array(2_000_000).fill(120);
  await using endpoint = startEndpoint(() => new Response());
  await using handler = openHandler(endpoint.url);

  await handler.handle(anEvent({ value }), NEVER);

  const [call] = endpoint.calls;
  assertEquals(call?.headers.get("content-length"), "2000000");
  assertEquals(call?.headers.has("transfer-encoding"), false);
  assertEquals(call?.body, value);
});
