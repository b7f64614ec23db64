import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Handler, HandlerError, type Result } from "../../../src/core/handler.ts";
import { TemplateError } from "../../../src/core/template.ts";
import { TrustedHandler } from "../../../src/transports/http/trusted_handler.ts";
import { TrustGate } from "../../../src/transports/http/trust_gate.ts";
import { TokenError } from "../../../src/transports/oauth2/token_response.ts";
import { anEvent } from "../../support/events.ts";
import { FakeTimers } from "../../support/fakes/timers.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

/** @param status undefined when what has come is no HTTP response */
function result(status: number | undefined): Result {
  return {
    when: "onSuccess",
    summary: `status ${status}`,
    value: new Uint8Array(),
    headers: [],
    ...(status === undefined ? {} : { response: { status, headers: new Map() } }),
  };
}

function failed(cause: unknown): HandlerError {
  return new HandlerError("no response from 'POST http://a/': why", { cause });
}

/** Makes one call that ends so, and says what the gate has come to think. */
async function afterOne(outcome: Result | Error, { showsWhoCalls = true } = {}) {
  const log = new RecordedLog();
  const gate = new TrustGate({ log: log.log });
  const handler: Handler = {
    handle: () => outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await using trusted = new TrustedHandler(handler, { gate, showsWhoCalls });
  let isTold = false;
  await trusted.handle(anEvent(), new AbortController().signal).catch((error) => {
    assertEquals(error.message, Object(outcome).message);
    isTold = error instanceof HandlerError && error.isTold;
  });
  // What the gate has told is not told again of the event; a response is no failure to tell of.
  if (outcome instanceof HandlerError) assertEquals(isTold, log.of("ERROR").length > 0);
  return { isOpen: gate.pass !== undefined, errors: log.of("ERROR") };
}

Deno.test("TrustedHandler closes its gate for what says nothing of a single event", async (t) => {
  const suffix = "; until that is repaired, one call is tried every 5 s";
  const table: [string, Result | Error, string][] = [
    ["status 401", result(401), "the endpoint refuses the credentials of 'auth' with 401"],
    ["status 403", result(403), "the endpoint refuses the credentials of 'auth' with 403"],
    ["no token", failed(new TokenError("x")), "no response from 'POST http://a/': why"],
    [
      "a certificate",
      failed(new TypeError("invalid peer certificate: Expired")),
      "no response from 'POST http://a/': why",
    ],
  ];
  for (const [name, outcome, reason] of table) {
    await t.step(name, async () => {
      assertEquals(await afterOne(outcome), { isOpen: false, errors: [reason + suffix] });
    });
  }
});

Deno.test("TrustedHandler opens its gate for whatever else comes of a call", async (t) => {
  const table: [string, Result | Error][] = [
    ["status 200", result(200)],
    ["status 404", result(404)],
    ["status 503", result(503)],
    ["connection refused", failed(new TypeError("connection refused"))],
    ["a timeout", failed(new DOMException("", "TimeoutError"))],
  ];
  for (const [name, outcome] of table) {
    await t.step(name, async () => {
      assertEquals(await afterOne(outcome), { isOpen: true, errors: [] });
    });
  }
});

Deno.test("TrustedHandler waits, after a refusal, for an answer of somebody who knows who calls", async (t) => {
  for (
    const [second, isOpen] of [[503, false], [429, false], [undefined, false], [404, true]] as const
  ) {
    await t.step(`status ${second}`, async () => {
      using timers = new FakeTimers();
      const log = new RecordedLog();
      let nowMs = 0;
      const gate = new TrustGate({ log: log.log, now: () => nowMs });
      const answers = [result(401), result(second)];
      const handler: Handler = {
        handle: () => Promise.resolve(answers.shift()!),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
      await using trusted = new TrustedHandler(handler, { gate, showsWhoCalls: true });
      const { signal } = new AbortController();
      await trusted.handle(anEvent(), signal);
      nowMs += 5000;
      await trusted.handle(anEvent(), signal);
      assertEquals(gate.pass !== undefined, isOpen);
      assertEquals(log.of("WARN").length, isOpen ? 1 : 0);
      assertEquals(timers.count, 0);
    });
  }
});

Deno.test("TrustedHandler takes 401 for an answer where the endpoint is not shown who calls", async () => {
  const showsWhoCalls = false;
  assertEquals(await afterOne(result(401), { showsWhoCalls }), { isOpen: true, errors: [] });
});

Deno.test("TrustedHandler learns nothing from an event that cannot become a call", async () => {
  assertEquals(await afterOne(new TemplateError("x")), { isOpen: false, errors: [] });
});

Deno.test("TrustedHandler gives up who waits when it is closed", async () => {
  const gate = new TrustGate({ log: new RecordedLog().log });
  const never = Promise.withResolvers<Result>();
  let disposed = 0;
  const trusted = new TrustedHandler({
    handle: () => never.promise,
    [Symbol.asyncDispose]: () => Promise.resolve(void disposed++),
  }, { gate, showsWhoCalls: true });
  const { signal } = new AbortController();
  const ahead = trusted.handle(anEvent(), signal);
  const waiting = trusted.handle(anEvent(), signal);
  await trusted[Symbol.asyncDispose]();
  await assertRejects(() => waiting, DOMException);
  assertEquals(disposed, 1);
  never.resolve(result(200));
  assert(await ahead);
});
