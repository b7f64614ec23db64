import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { CallInFlight } from "../../../src/transports/http1/calls_in_flight.ts";
import { ConnectionPool } from "../../../src/transports/http1/connection_pool.ts";
import { HeadReader } from "../../../src/transports/http1/head_reader.ts";
import {
  CutOffResponseError,
  ResponseReader,
} from "../../../src/transports/http1/response_reader.ts";
import {
  UnclosedConnections,
  UnclosedConnectionsError,
} from "../../../src/transports/http1/unclosed_connections.ts";
import { bytes } from "../../support/events.ts";
import { everythingSettled } from "../../support/eventually.ts";
import { FakeServerConnection } from "../../support/http/fake_server.ts";
import { textOf } from "../../support/http/raw_endpoint.ts";

const NEVER = new AbortController().signal;
const MINUTE_MS = 60_000;

/** A pool, the server's ends of its connections, and a clock. */
class Scene implements Disposable {
  readonly connections: FakeServerConnection[] = [];
  readonly told: string[] = [];
  nowMs = 1_000_000;
  readonly pool: ConnectionPool;

  constructor() {
    const heads = new HeadReader("POST");
    this.pool = new ConnectionPool({
      open: () => {
        const connection = new FakeServerConnection();
        this.connections.push(connection);
        return Promise.resolve(connection);
      },
      newReader: () => new ResponseReader(heads, 1000),
      unclosed: new UnclosedConnections(),
      now: () => this.nowMs,
      onRepeated: () => this.told.push("repeated"),
      onSurplus: () => this.told.push("surplus"),
    });
  }

  /** Begins a call, and waits until its request has been written. */
  async call(request = "request", call = new CallInFlight(Infinity, NEVER, 0)) {
    const response = this.pool.exchange(bytes(request), call);
    response.catch(() => {});
    await everythingSettled();
    await everythingSettled();
    return { call, response, text: async () => textOf((await response).body) };
  }

  /** Makes one call, after which there is one idle connection. */
  async connect(headers = ""): Promise<FakeServerConnection> {
    const { response } = await this.call("first ");
    const connection = this.last;
    connection.respond("", headers);
    await response;
    return connection;
  }

  get last(): FakeServerConnection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error("there is no connection");
    return last;
  }

  get received(): string[] {
    return this.connections.map(({ received }) => received);
  }

  [Symbol.dispose](): void {
    this.pool[Symbol.dispose]();
  }
}

for (
  const [what, error] of [
    ["closed", undefined],
    ["reset", new Deno.errors.ConnectionReset("Connection reset by peer (os error 104)")],
    ["closed without an end of TLS", new Deno.errors.UnexpectedEof("peer closed connection")],
  ] as const
) {
  Deno.test(`ConnectionPool sends a request again on a new connection, when the reused one is ${what} before the response`, async () => {
    using scene = new Scene();
    const reused = await scene.connect();
    const { text } = await scene.call("second");
    assertEquals(scene.received, ["first second"]);

    reused.end(error);
    await everythingSettled();
    scene.last.respond("answer");

    assertEquals(await text(), "answer");
    assertEquals(scene.received, ["first second", "second"]);
    assertEquals(scene.told, ["repeated"]);
  });
}

Deno.test("ConnectionPool takes a body of HTTP/1.0 without a length for complete when TCP ends without an end of TLS", async () => {
  using scene = new Scene();
  const { text } = await scene.call();
  scene.last.send("HTTP/1.0 200 OK\r\n\r\nanswer");
  scene.last.end(new Deno.errors.UnexpectedEof("peer closed connection"));
  assertEquals(await text(), "answer");
});

for (const header of ["Connection: close", "Content-Length: 10", "Transfer-Encoding: chunked"]) {
  Deno.test(`ConnectionPool takes no part for the whole when TCP ends without an end of TLS: ${header}`, async () => {
    using scene = new Scene();
    const { response } = await scene.call();
    scene.last.send(`HTTP/1.1 200 OK\r\n${header}\r\n\r\n`);
    scene.last.end(new Deno.errors.UnexpectedEof("peer closed connection"));
    const answer = await response;
    assertEquals([answer.status, answer.body], [200, null]);
    assertMatch(
      "defect" in answer ? answer.defect : "",
      /^response cut off after .*: connection closed without an end of TLS$/,
    );
  });
}

Deno.test("ConnectionPool sends a request again once only", async () => {
  using scene = new Scene();
  const reused = await scene.connect();
  const { response } = await scene.call("second");

  reused.end();
  await everythingSettled();
  scene.last.end();

  await assertRejects(() => response, CutOffResponseError);
  assertEquals(scene.received, ["first second", "second"]);
});

Deno.test("ConnectionPool does not send a request again, when a new connection is closed", async () => {
  using scene = new Scene();
  const { response } = await scene.call();
  scene.last.end();
  await assertRejects(() => response, CutOffResponseError);
  assertEquals(scene.connections.length, 1);
});

Deno.test("ConnectionPool does not send a request again, when a byte of the response has come", async () => {
  using scene = new Scene();
  const reused = await scene.connect();
  const { response } = await scene.call("second");
  reused.send("H");
  reused.end();
  await assertRejects(() => response, CutOffResponseError);
  assertEquals(scene.connections.length, 1);
});

Deno.test("ConnectionPool closes the other idle connections, when a call on a kept one times out without an answer", async () => {
  using scene = new Scene();
  const calls = [await scene.call("a"), await scene.call("b")];
  for (const connection of scene.connections) connection.respond("");
  await Promise.all(calls.map(({ response }) => response));
  scene.nowMs += 1;
  const { call } = await scene.call("c");
  assertEquals(scene.received, ["a", "bc"]);

  call.giveUp(new DOMException("", "TimeoutError"));
  await scene.call("d");

  assertEquals(scene.received, ["a", "bc", "d"]);
});

Deno.test("ConnectionPool keeps an idle connection that was used after that call had begun", async () => {
  using scene = new Scene();
  const calls = [await scene.call("a"), await scene.call("b")];
  for (const connection of scene.connections) connection.respond("");
  await Promise.all(calls.map(({ response }) => response));
  const silent = await scene.call("c");
  scene.nowMs += 1;
  const { response } = await scene.call("d");
  scene.connections[0]!.respond("");
  await response;

  silent.call.giveUp(new DOMException("", "TimeoutError"));
  await scene.call("e");

  assertEquals(scene.received, ["ade", "bc"]);
});

Deno.test("ConnectionPool keeps idle connections, when a call on a new one times out", async () => {
  using scene = new Scene();
  const { response } = await scene.call("a");
  const silent = await scene.call("b");
  scene.connections[0]!.respond("");
  await response;

  silent.call.giveUp(new DOMException("", "TimeoutError"));
  await scene.call("c");

  assertEquals(scene.received, ["ac", "b"]);
});

Deno.test("ConnectionPool does not send a request again, when its call was given up", async () => {
  using scene = new Scene();
  const reused = await scene.connect();
  const { call, response } = await scene.call("second");
  call.giveUp(new DOMException("", "TimeoutError"));
  reused.end();
  await assertRejects(() => response, DOMException);
  await everythingSettled();
  assertEquals(scene.connections.length, 1);
});

Deno.test("ConnectionPool does not send a request again for a failure other than a close", async () => {
  using scene = new Scene();
  const reused = await scene.connect();
  const { response } = await scene.call("second");
  reused.end(new Deno.errors.TimedOut("Connection timed out (os error 110)"));
  await assertRejects(() => response, Deno.errors.TimedOut);
  assertEquals(scene.connections.length, 1);
});

Deno.test("ConnectionPool closes an idle connection as soon as the server does", async () => {
  using scene = new Scene();
  const connection = await scene.connect();
  connection.end();
  await everythingSettled();
  assertEquals(connection.isClosedByClient, true);
  assertEquals(scene.told, []);
});

Deno.test("ConnectionPool tells of a second response on an idle connection, and closes it", async () => {
  using scene = new Scene();
  const connection = await scene.connect();
  connection.respond("surplus");
  await everythingSettled();
  assertEquals([connection.isClosedByClient, scene.told], [true, ["surplus"]]);
});

Deno.test("ConnectionPool tells of bytes that come together with a response, and closes the connection", async () => {
  using scene = new Scene();
  const { text } = await scene.call();
  scene.last.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n");
  assertEquals(await text(), "ok");
  assertEquals([scene.last.isClosedByClient, scene.told], [true, ["surplus"]]);
});

Deno.test("ConnectionPool never takes what lies on an idle connection for the response to the next request", async () => {
  using scene = new Scene();
  const connection = await scene.connect();
  scene.nowMs += 200;
  connection.respond("surplus");

  const { text } = await scene.call("second");
  scene.last.respond("answer");

  assertEquals(await text(), "answer");
  assertEquals(scene.received, ["first ", "second"]);
  assertEquals(scene.told, ["surplus"]);
});

Deno.test("ConnectionPool takes a 408 before the end of an idle connection for no answer, nor for a surplus", async () => {
  using scene = new Scene();
  const connection = await scene.connect();
  scene.nowMs += 200;
  connection.send("HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n");
  connection.end();

  const { text } = await scene.call("second");
  scene.last.respond("answer");

  assertEquals(await text(), "answer");
  assertEquals(scene.received, ["first ", "second"]);
  assertEquals(scene.told, []);
});

Deno.test("ConnectionPool sends a request again, when it crosses with a 408 that closes the connection", async () => {
  using scene = new Scene();
  const connection = await scene.connect();
  const { text } = await scene.call("second");
  connection.send("HTTP/1.1 408 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  await everythingSettled();
  scene.last.respond("answer");
  assertEquals(await text(), "answer");
  assertEquals(scene.told, ["repeated"]);
});

for (
  const [connection, headers] of [
    ["new", "connection: close\r\n"],
    ["kept", ""],
  ] as const
) {
  Deno.test(`ConnectionPool takes a 408 on a ${connection} connection for the answer of the endpoint`, async () => {
    using scene = new Scene();
    if (connection === "kept") await scene.connect();
    const { response } = await scene.call("second");
    scene.last.send(`HTTP/1.1 408 No\r\n${headers}content-length: 0\r\n\r\n`);
    assertEquals((await response).status, 408);
    assertEquals(scene.connections.length, 1);
  });
}

const KEEP_ALIVES: readonly (readonly [header: string, idleMs: number, isKept: boolean])[] = [
  ["", 3999, true],
  ["", 4000, false],
  ["Keep-Alive: timeout=3\r\n", 1999, true],
  ["Keep-Alive: timeout=3\r\n", 2000, false],
  ["Keep-Alive: timeout=1\r\n", 499, true],
  ["Keep-Alive: timeout=1\r\n", 500, false],
  ["Keep-Alive: timeout=0\r\n", 0, false],
  ["Keep-Alive: timeout=60\r\n", 4000, false],
  ["Keep-Alive: timeout=60, max=1\r\n", 0, true],
  ["Keep-Alive: max=0, timeout=60\r\n", 0, false],
  ["Keep-Alive: nonsense\r\n", 3999, true],
  ["Connection: close\r\n", 0, false],
];

for (const [header, idleMs, isKept] of KEEP_ALIVES) {
  Deno.test(`ConnectionPool ${isKept ? "uses" : "does not use"} a connection again after ${idleMs} ms, with '${header.trim()}'`, async () => {
    using scene = new Scene();
    await scene.connect(header);
    scene.nowMs += idleMs;
    await scene.call("second");
    assertEquals(scene.received, isKept ? ["first second"] : ["first ", "second"]);
  });
}

Deno.test("ConnectionPool renews a connection that is older than five minutes after its call", async () => {
  using scene = new Scene();
  const connection = await scene.connect();
  for (let minute = 0; minute < 6; minute++) {
    assertEquals(connection.isClosedByClient, false, `after ${minute} minutes`);
    const { response } = await scene.call();
    scene.nowMs += MINUTE_MS;
    connection.respond();
    await response;
  }
  assertEquals(connection.isClosedByClient, true);
});

Deno.test("ConnectionPool stops writing a large request when its response has come", async () => {
  using scene = new Scene();
  const { response } = await scene.call("x");
  scene.last.respond();
  await response;
  scene.last.isStuck = true;
  const { response: early } = await scene.call("x".repeat(200_000));

  scene.last.send("HTTP/1.1 413 No\r\ncontent-length: 0\r\n\r\n");

  assertEquals((await early).status, 413);
  await everythingSettled();
  assertEquals(scene.last.isClosedByClient, true);
  scene.last.unstick();
  await everythingSettled();
  assertEquals(scene.last.received.length, 1 + 64 * 1024);
});

Deno.test("ConnectionPool opens no further connection, when a hundred were given up that cannot be closed", async () => {
  using scene = new Scene();
  for (let count = 0; count < 100; count++) {
    const { call } = await scene.call("x");
    scene.last.respond();
    await everythingSettled();
    scene.last.isStuck = true;
    const stuck = await scene.call("x".repeat(100_000));
    stuck.call.giveUp(new DOMException("", "TimeoutError"));
    call.giveUp(new DOMException("", "AbortError"));
  }

  const { response } = await scene.call();
  await assertRejects(() => response, UnclosedConnectionsError);

  for (const connection of scene.connections) connection.unstick();
  await everythingSettled();
  const { text } = await scene.call();
  scene.last.respond("answer");
  assertEquals(await text(), "answer");
});
