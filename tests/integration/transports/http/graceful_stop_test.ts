import { assertEquals, assertLess } from "@std/assert";
import type { Handler } from "../../../../src/core/handler.ts";
import { anEvent } from "../../../support/events.ts";
import { eventually, inTime } from "../../../support/eventually.ts";
import { openHandler } from "../../../support/http/handler.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";
import { startWebServer } from "../../../support/http/servers/web_server.ts";

const NEVER = new AbortController().signal;
const CALLS_AT_A_TIME = 16;
const FIVE_MINUTES_MS = 300_000;

const systemNow = performance.now.bind(performance);
let jumpMs = 0;
// Before the first connection, so that connections find a clock that can be set.
performance.now = () => systemNow() + jumpMs;

/**
 * On SIGTERM the server accepts no more connections, closes those between two calls, and ends with the last of the
 * others. An answer takes a while, so that most of them are not between two calls.
 */
function script(stopping: string): string {
  return `
    const server = require("node:http").createServer((request, response) => {
      if (!server.listening) { ${stopping} }
      request.resume().on("end", () => setTimeout(() => response.end("ok"), 20));
    });
    server.listen(process.env.PORT, "127.0.0.1");
    process.on("SIGTERM", () => server.close());
  `;
}

const STOPS = [
  {
    when: "says Connection: close",
    stopping: 'response.setHeader("Connection", "close");',
    laterMs: 0,
  },
  { when: "says nothing, after five minutes", stopping: "", laterMs: FIVE_MINUTES_MS },
];

for (const { when, stopping, laterMs } of STOPS) {
  Deno.test(`HttpHandler lets a Node server stop gracefully under load that ${when}`, async () => {
    const log = new RecordedLog();
    await using stack = new AsyncDisposableStack();
    const server = stack.use(
      await startWebServer(({ port }) => ({
        command: "node",
        args: ["-e", script(stopping)],
        env: { PORT: `${port}` },
      })),
    );
    await using handler = openHandler(`${server.origin}/`, { log });
    const load = startLoad(handler);
    await load.calls(100);

    const ended = stack.disposeAsync();
    if (laterMs > 0) {
      await load.calls(100);
      assertLess(load.refused, CALLS_AT_A_TIME, "connections that are used all the time stay open");
    }
    jumpMs += laterMs;

    await inTime(ended, { deadlineMs: 5000, what: "the end of the server" });
    await load.end();
    assertEquals(log.lines.filter((line) => !line.startsWith("DEBUG")), []);
  });
}

/** Calls all the time, until nobody listens any more. */
function startLoad(handler: Handler) {
  let answered = 0;
  let refused = 0;
  const callOn = async () => {
    for (;;) {
      try {
        await handler.handle(anEvent(), NEVER);
        answered++;
      } catch {
        return refused++;
      }
    }
  };
  const calling = Promise.all(Array.from({ length: CALLS_AT_A_TIME }, callOn));
  return {
    get refused() {
      return refused;
    },
    async calls(count: number) {
      const goal = answered + count;
      await eventually(() => answered >= goal || refused === CALLS_AT_A_TIME, {
        deadlineMs: 10_000,
        what: () => `${goal} answers, found ${answered}`,
      });
    },
    end: () => calling,
  };
}
