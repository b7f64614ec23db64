import { assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { Logger } from "../../../src/core/log.ts";
import { AdminServer, MAX_ADMIN_CONNECTIONS } from "../../../src/process/admin_server.ts";
import { eventually, inTime } from "../../support/eventually.ts";
import { FakeTimers } from "../../support/fakes/timers.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

Deno.test("AdminServer answers requests, one for each connection", async () => {
  using server = new Server();
  for (let request = 0; request < 3; request++) {
    const response = await fetch(`${server.url}/livez`);
    assertEquals([response.status, await response.text()], [200, "GET /livez"]);
  }
  const head = await fetch(`${server.url}/livez`, { method: "HEAD" });
  assertEquals([head.status, await head.text()], [200, ""]);
  const post = await fetch(`${server.url}/`, { method: "POST", body: "x".repeat(100_000) });
  assertEquals([post.status, await post.text()], [200, "POST /"]);
});

Deno.test("AdminServer answers while 2,000 connections are idle, of which it keeps the 64 youngest", async () => {
  assertEquals(MAX_ADMIN_CONNECTIONS, 64);
  using server = new Server();
  const idle: Deno.TcpConn[] = [];
  const ended = new Set<number>();
  for (let count = 0; count < 2000; count++) {
    const connection = await server.connect();
    idle.push(connection);
    endOf(connection).then(() => ended.add(count));
  }
  await eventually(() => ended.size === 2000 - 64, {
    what: () => `the end of 1936 connections, found that of ${ended.size}`,
  });
  assertEquals(Math.max(...ended), 2000 - 64 - 1);
  const { value, elapsedMs } = await inTime(fetch(`${server.url}/livez`), {
    deadlineMs: 5000,
    what: "an answer",
  });
  assertEquals(await value.text(), "GET /livez");
  assertLess(elapsedMs, 2000);
  for (const connection of idle) connection.close();
});

Deno.test("AdminServer closes a connection whose request does not come in time", async () => {
  using server = new Server({ deadlineMs: 200 });
  using connection = await server.connect();
  await connection.write(new TextEncoder().encode("GET /livez HTTP/1.1\r\nHost: loc"));
  const { elapsedMs } = await inTime(endOf(connection), { deadlineMs: 2000, what: "its end" });
  assertLess(150, elapsedMs);
});

Deno.test("AdminServer gives a connection 10 s in all, also when something comes again and again", async () => {
  using server = new Server();
  let slow;
  {
    using timers = new FakeTimers();
    slow = await server.connect();
    for (const byte of "GET /livez HTTP/1.1\r\nHost: loc") {
      await slow.write(new TextEncoder().encode(byte));
      await server.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    assertEquals(timers.delaysMs.slice(0, 1), [10_000]);
    // It is still the first one, so its time does not begin anew.
    timers.fire(0);
  }
  await inTime(endOf(slow), { deadlineMs: 2000, what: "its end" });
  slow.close();
});

Deno.test("AdminServer refuses a head that is too large, and what is no request", async () => {
  using server = new Server();
  const tooLarge = await server.send(`GET / HTTP/1.1\r\nX: ${"x".repeat(9000)}\r\n\r\n`);
  assertStringIncludes(tooLarge, " 400 ");
  assertStringIncludes(tooLarge, "the head is larger than 8 KiB\n");
  assertStringIncludes(await server.send("\x16\x03\x01\r\n\r\n"), " 400 ");
});

Deno.test("AdminServer answers 400 to a Host header that is none, and logs that once, without the request", async () => {
  using server = new Server();
  for (const host of ["[", "localhost:99999", "a b", "["]) {
    const answer = await server.send(`GET /readyz?CANARY HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    assertStringIncludes(answer, "HTTP/1.1 400 Bad Request\r\n");
  }
  await eventually(() => server.log.lines.length > 0, { what: "a line" });
  assertEquals(server.log.lines, [
    "WARN - admin: rejected a request with status 400: invalid Host header",
  ]);
});

/** Resolves when nothing more comes. */
async function endOf(connection: Deno.TcpConn): Promise<void> {
  await connection.read(new Uint8Array(1)).catch(() => null);
}

class Server implements Disposable {
  readonly log = new RecordedLog();
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #server: AdminServer;

  constructor(options: { deadlineMs?: number } = {}) {
    this.#server = new AdminServer(this.#listener, {
      respond: ({ method, url }) => new Response(`${method} ${new URL(url).pathname}`),
      log: new Logger(this.log.sink, { level: "INFO" }),
      ...options,
    });
    void this.#server.serve();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  connect(): Promise<Deno.TcpConn> {
    return Deno.connect({ hostname: "127.0.0.1", port: this.#listener.addr.port });
  }

  /** Sends a text and resolves with all that is answered. */
  async send(text: string): Promise<string> {
    using connection = await this.connect();
    await connection.write(new TextEncoder().encode(text));
    return await new Response(connection.readable).text().catch(() => "");
  }

  [Symbol.dispose](): void {
    this.#server[Symbol.dispose]();
  }
}
