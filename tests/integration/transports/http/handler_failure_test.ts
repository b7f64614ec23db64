import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { Bytes } from "../../../../src/core/event.ts";
import { HandlerError } from "../../../../src/core/handler.ts";
import { unusedPort } from "../../../support/http/endpoint.ts";
import { anEvent, bytes } from "../../../support/events.ts";
import { eventually } from "../../../support/eventually.ts";
import { openHandler } from "../../../support/http/handler.ts";
import { type RawConnection, startRawEndpoint } from "../../../support/http/raw_endpoint.ts";

const NEVER = new AbortController().signal;
const SECRETS = { headers: { Authorization: "Bearer HEADER-SECRET" } };

interface Failure {
  readonly when: string;
  readonly serve: (connection: RawConnection) => Promise<void>;
  readonly reason: string | RegExp;
}

const FAILURES: readonly Failure[] = [
  {
    when: "the connection is reset",
    serve: async (connection) => void await connection.readRequest({ leaveUnread: 1 }),
    // Not every kernel tells a reset from an end.
    reason: /connection (reset|closed)/,
  },
  {
    when: "the connection is closed without an answer",
    serve: async (connection) => void await connection.readRequest(),
    reason: "connection closed",
  },
  {
    when: "nothing comes",
    serve: async (connection) => {
      await connection.readRequest();
      await connection.closed();
    },
    reason: "no complete response within 0.3 s",
  },
  {
    when: "nothing comes after a part of the headers",
    serve: async (connection) => {
      await connection.readRequest();
      await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n");
      await connection.closed();
    },
    reason: "no complete response within 0.3 s",
  },
  {
    when: "the connection is closed after a part of the headers",
    serve: async (connection) => {
      await connection.readRequest();
      await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n");
    },
    reason: "connection closed",
  },
];

for (const { when, serve, reason } of FAILURES) {
  Deno.test(`HttpHandler throws and says why, when ${when}`, async () => {
    await using endpoint = startRawEndpoint(serve);
    await assertFails(endpoint.host, reason);
    assertEquals(endpoint.requests.length, 1, "requests that came for one call");
  });

  Deno.test(`HttpHandler throws and says why, when ${when}, also to a large request`, async () => {
    await using endpoint = startRawEndpoint(serve);
    await assertFails(endpoint.host, reason, new Uint8Array(100_000));
    assertEquals(endpoint.requests.length, 1, "requests that came for one call");
  });
}

Deno.test("HttpHandler throws, when nobody listens", async () => {
  await assertFails(`127.0.0.1:${unusedPort()}`, "connection refused");
});

Deno.test("HttpHandler throws, when there is no such host", async () => {
  await assertFails("no-such-host.invalid:80", "host name not found");
});

Deno.test("HttpHandler says why, whatever words the path has", async () => {
  await using handler = openHandler(`http://127.0.0.1:${unusedPort()}/certificate/unreachable`);
  await assertRejects(
    () => handler.handle(anEvent(), NEVER),
    HandlerError,
    ": connection refused",
  );
});

Deno.test("HttpHandler keeps to a short timeout", async () => {
  await using endpoint = startRawEndpoint(readUntilClosed);
  await using handler = openHandler(`http://${endpoint.host}/`, { timeout: "50ms" });
  const elapsed: number[] = [];

  for (let call = 0; call < 10; call++) {
    const startedAt = performance.now();
    await assertRejects(() => handler.handle(anEvent(), NEVER), HandlerError, "within 0.05 s");
    elapsed.push(performance.now() - startedAt);
  }

  // A busy machine makes some of them late, and none of them early.
  const text = `given up after ${elapsed.map((each) => each.toFixed(1)).join(", ")} ms`;
  assert(Math.min(...elapsed) >= 50, text);
  assert(Math.min(...elapsed) <= 60, text);
});

Deno.test("HttpHandler gives up a large request that the endpoint does not read, in time, and writes no more of it", async () => {
  const size = 50_000_000;
  const { promise: isGivenUp, resolve: giveUp } = Promise.withResolvers<void>();
  let received = 0;
  await using endpoint = startRawEndpoint(async (connection) => {
    await connection.readRequest({ leaveUnread: size });
    await isGivenUp;
    received = await connection.readToEnd();
  });
  await using handler = openHandler(`http://${endpoint.host}/`, { timeout: "300ms" });

  await assertRejects(
    () => handler.handle(anEvent({ value: new Uint8Array(size) }), NEVER),
    HandlerError,
    "within 0.3 s",
  );

  giveUp();
  await eventually(() => received > 0, { what: "the end of the connection" });
  assert(received < size / 2, `${received} bytes were written`);
});

for (const ending of ["closes", "keeps reading"] as const) {
  Deno.test(`HttpHandler takes the response to a large request that comes before all is read, when the endpoint ${ending}`, async () => {
    const size = 5_000_000;
    await using endpoint = startRawEndpoint(async (connection) => {
      await connection.readRequest({ leaveUnread: size - 1000 });
      await connection.write("HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nlarge");
      if (ending === "keeps reading") await connection.readToEnd();
    });
    await using handler = openHandler(`http://${endpoint.host}/`);

    for (let call = 0; call < 30; call++) {
      const result = await handler.handle(anEvent({ value: new Uint8Array(size) }), NEVER);
      assertEquals([result.response?.status, new TextDecoder().decode(result.value)], [
        413,
        "large",
      ]);
    }
  });
}

Deno.test("HttpHandler gives a call up, when its signal aborts", async () => {
  await using endpoint = startRawEndpoint(readUntilClosed);
  await using handler = openHandler(`http://${endpoint.host}/`);
  const controller = new AbortController();
  const call = handler.handle(anEvent(), controller.signal);
  call.catch(() => {});
  await eventually(() => endpoint.requests.length === 1, { what: "the request" });

  controller.abort();

  await assertRejects(() => call, HandlerError, "given up");
  await eventually(() => endpoint.openConnections === 0, { what: "the connection to be closed" });
});

Deno.test("HttpHandler leaves no connection behind after a thousand calls that timed out", async () => {
  await using endpoint = startRawEndpoint(async (connection, number) => {
    await connection.readRequest();
    // Every other call gets headers and no body.
    if (number % 2 === 0) await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n");
    await connection.closed();
  });
  await using handler = openHandler(`http://${endpoint.host}/`, { timeout: "300ms" });

  for (let round = 0; round < 10; round++) {
    const calls = Array.from({ length: 100 }, () => handler.handle(anEvent(), NEVER));
    const ends = await Promise.allSettled(calls);
    assertEquals(ends.length, 100);
    for (const end of ends) assert(end.status === "rejected" || end.value.when === "onError");
  }

  await eventually(() => endpoint.openConnections === 0, {
    what: () => `all connections to be closed; ${endpoint.openConnections} are open`,
  });
  assert(endpoint.acceptedConnections > 900, `${endpoint.acceptedConnections} connections came`);
});

async function assertFails(
  host: string,
  reason: string | RegExp,
  value: Bytes = bytes("value"),
): Promise<void> {
  await using handler = openHandler(`http://${host}/payload?token=QUERY-SECRET`, {
    ...SECRETS,
    timeout: "300ms",
  });
  const error = await assertRejects(() => handler.handle(anEvent({ value }), NEVER), HandlerError);
  assertStringIncludes(error.message, `no response from 'POST http://${host.replace(":80", "")}`);
  assertMatch(error.message, new RegExp(reason));
  assert(!error.message.includes("SECRET"), error.message);
}

async function readUntilClosed(connection: RawConnection): Promise<void> {
  await connection.readRequest();
  await connection.closed();
}
