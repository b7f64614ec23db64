import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { type Handler, HandlerError } from "../../../../src/core/handler.ts";
import { startEndpoint } from "../../../support/http/endpoint.ts";
import { anEvent, bytes } from "../../../support/events.ts";
import { eventually, inTime } from "../../../support/eventually.ts";
import { openHandler } from "../../../support/http/handler.ts";
import { DEFAULT_LIMITS } from "../../../support/limits.ts";
import {
  type RawConnection,
  type RawEndpoint,
  type RawRequest,
  startRawEndpoint,
  textOf,
} from "../../../support/http/raw_endpoint.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const NEVER = new AbortController().signal;

/** What an endpoint may do with a request before it closes the connection. */
interface End {
  readonly when: string;
  readonly end: (connection: RawConnection) => Promise<void>;
}

const WITHOUT_ANSWER: readonly End[] = [
  {
    when: "is reset",
    end: async (connection) => void await connection.readRequest({ leaveUnread: 1 }),
  },
  {
    when: "is closed without an answer",
    end: async (connection) => void await connection.readRequest(),
  },
];

const WITHIN_ANSWER: readonly End[] = [
  {
    when: "is closed within the headers of the answer",
    end: async (connection) => {
      await connection.readRequest();
      await connection.write("HTTP/1.1 200 OK\r\ncontent-le");
    },
  },
];

const VALUES: readonly { readonly size: string; readonly padding: string }[] = [
  { size: "small", padding: "" },
  { size: "large", padding: "x".repeat(100_000) },
];

for (const { when, end, size, padding } of inBothSizes([...WITHOUT_ANSWER, ...WITHIN_ANSWER])) {
  Deno.test(`HttpHandler sends a ${size} request once, when its new connection ${when}`, async () => {
    await using endpoint = startRawEndpoint(end);
    await using handler = openHandler(`http://${endpoint.host}/`);
    const event = anEvent({ value: bytes(`value${padding}`) });
    await handler.handle(event, NEVER).catch((error) => assertInstanceOf(error, HandlerError));
    assertEquals(endpoint.requests.length, 1);
  });
}

for (const { when, end, size, padding } of inBothSizes(WITHIN_ANSWER)) {
  Deno.test(`HttpHandler sends ${size} requests once, when each kept connection ${when}`, async () => {
    await using endpoint = startEndpointThatKeeps(10, end);
    await using handler = openHandler(`http://${endpoint.host}/`);
    await callAll(handler, { round: "kept", padding });

    await callAll(handler, { round: "ended", padding });

    assertEquals(endpoint.acceptedConnections, 10);
    assertEquals(callsOf(endpoint.requests.slice(10)), Array.from("0123456789"));
  });
}

for (const { when, end, size, padding } of inBothSizes(WITHOUT_ANSWER)) {
  Deno.test(`HttpHandler sends ${size} requests again at once, on new connections, when each kept one ${when}`, async () => {
    const log = new RecordedLog();
    await using endpoint = startEndpointThatKeeps(10, end);
    await using handler = openHandler(`http://${endpoint.host}/`, { log });
    await callAll(handler, { round: "kept", padding });

    const ends = await callAll(handler, { round: "ended", padding });

    assertEquals(ends.map(({ status }) => status), Array(10).fill("fulfilled"));
    const requests = endpoint.requests.slice(10);
    assertEquals(callsOf(requests), Array.from("00112233445566778899"));
    for (const { headers } of requests) assertEquals(headers.get("eventor-attempt"), "1");
    const keys = requests.map(({ headers }) => headers.get("idempotency-key"));
    assertEquals(new Set(keys).size, 10);
    assertEquals(log.lines.filter((line) => !line.startsWith("DEBUG")), []);
  });
}

Deno.test("HttpHandler gets all answers of an endpoint that closes each connection after its second one", async () => {
  const log = new RecordedLog();
  await using endpoint = startRawEndpoint(async (connection) => {
    for (let answer = 0; answer < 2 && await connection.readRequest() !== null; answer++) {
      await connection.respond();
    }
  });
  await using handler = openHandler(`http://${endpoint.host}/`, { log });
  const callMany = async () => {
    for (let call = 0; call < 100; call++) await handler.handle(anEvent(), NEVER);
  };

  await Promise.all(Array.from({ length: 10 }, callMany));

  assertEquals(endpoint.requests.length, 1000);
  assertEquals(log.lines.filter((line) => !line.startsWith("DEBUG")), []);
});

Deno.test("HttpHandler gives a request that it sends again no more time than it had", async () => {
  await using endpoint = startRawEndpoint(async (connection, number) => {
    await connection.readRequest();
    if (number > 0) return await connection.closed();
    await connection.respond();
    await connection.readRequest();
    await new Promise((resolve) => setTimeout(resolve, 300));
  });
  await using handler = openHandler(`http://${endpoint.host}/`, { timeout: "500ms" });
  await handler.handle(anEvent(), NEVER);

  const failure = assertRejects(
    () => handler.handle(anEvent(), NEVER),
    HandlerError,
    "within 0.5 s",
  );
  const { elapsedMs } = await inTime(failure, { deadlineMs: 750, what: "the end of the call" });

  assertEquals(endpoint.requests.length, 3);
  assert(elapsedMs >= 450, `${elapsedMs} ms`);
});

for (const isLate of [false, true]) {
  const when = isLate ? "come late" : "come at once";
  Deno.test(`HttpHandler warns once of surplus responses that ${when}, and takes none of them for an answer`, async () => {
    const log = new RecordedLog();
    let answered = Promise.withResolvers<void>();
    await using endpoint = startRawEndpoint(async (connection, number) => {
      await connection.readRequest();
      await connection.respond(`${number}`);
      if (isLate) await answered.promise;
      await connection.respond("surplus");
      await connection.closed();
    });
    await using handler = openHandler(`http://${endpoint.host}/a?token=SECRET`, { log });

    for (const expected of ["0", "1", "2"]) {
      assertEquals(textOf((await handler.handle(anEvent(), NEVER)).value), expected);
      answered.resolve();
      await eventually(() => endpoint.openConnections === 0, {
        what: "the connection to be closed",
      });
      answered = Promise.withResolvers();
    }

    assertEquals(log.matching(/^WARN/).length, 1);
    assertMatch(
      log.of("WARN")[0] ?? "",
      /^'POST http:.*\/a' sent bytes after a complete response;/,
    );
  });
}

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

Deno.test("HttpHandler closes a connection before the time is over that the endpoint keeps it", async () => {
  await using endpoint = startRawEndpoint(async (connection) => {
    await connection.readRequest();
    await connection.write("HTTP/1.1 200 OK\r\nkeep-alive: timeout=2\r\ncontent-length: 0\r\n\r\n");
    await connection.closed();
  });
  await using handler = openHandler(`http://${endpoint.host}/`);
  await handler.handle(anEvent(), NEVER);
  assertEquals(endpoint.openConnections, 1);

  await eventually(() => endpoint.openConnections === 0, {
    deadlineMs: 2000,
    what: "the connection to be closed",
  });
});

const TIMEOUT = "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n";

/** How a 408 comes behind the last response of a connection. */
const TIMEOUTS_OF_SERVER = [
  { what: "later", atOnce: "", later: TIMEOUT },
  { what: "at once", atOnce: TIMEOUT, later: "" },
  { what: "partly at once", atOnce: TIMEOUT.slice(0, 10), later: TIMEOUT.slice(10) },
];

for (const { what, atOnce, later } of TIMEOUTS_OF_SERVER) {
  Deno.test(`HttpHandler takes a 408 and the end of an idle connection for no answer, and warns of neither: ${what}`, async () => {
    const log = new RecordedLog();
    let goOn = Promise.withResolvers<void>();
    await using endpoint = startRawEndpoint(async (connection, number) => {
      await connection.readRequest();
      const response = `HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${number}`;
      await connection.write(response + atOnce);
      await goOn.promise;
      await connection.write(later);
    });
    await using handler = openHandler(`http://${endpoint.host}/`, { log });

    for (const expected of ["0", "1", "2"]) {
      assertEquals(textOf((await handler.handle(anEvent(), NEVER)).value), expected);
      goOn.resolve();
      await eventually(() => endpoint.openConnections === 0, {
        what: "the connection to be closed",
      });
      goOn = Promise.withResolvers();
    }

    assertEquals(log.lines.filter((line) => !line.startsWith("DEBUG")), []);
  });
}

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

function inBothSizes(ends: readonly End[]) {
  return ends.flatMap((end) => VALUES.map((value) => ({ ...end, ...value })));
}

/** Answers on as many connections at a time, and keeps them; what comes next ends them. Later ones are answered once. */
function startEndpointThatKeeps(connections: number, end: End["end"]): RawEndpoint {
  const { promise: allAreHere, resolve } = Promise.withResolvers<void>();
  const endpoint = startRawEndpoint(async (connection, number) => {
    await connection.readRequest();
    if (endpoint.requests.length === connections) resolve();
    await allAreHere;
    await connection.respond();
    if (number < connections) await end(connection);
  });
  return endpoint;
}

/** Makes ten calls at a time; the body of each begins with its number. */
function callAll(handler: Handler, { round, padding }: { round: string; padding: string }) {
  return Promise.allSettled(Array.from({ length: 10 }, (_, call) => {
    const event = anEvent({ offset: call, value: bytes(`${call} ${round}${padding}`) });
    return handler.handle(event, NEVER);
  }));
}

/** The numbers of the calls that requests were for. */
function callsOf(requests: readonly RawRequest[]): string[] {
  return requests.map(({ body }) => textOf(body.subarray(0, 1))).sort();
}
