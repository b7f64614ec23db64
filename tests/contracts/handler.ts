import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Bytes } from "../../src/core/event.ts";
import { type Handler, HandlerError } from "../../src/core/handler.ts";
import { anEvent, bytes } from "../support/events.ts";
import { eventually } from "../support/eventually.ts";

/** What an endpoint does with a call; `none` breaks it off without a response. */
export type Answer = { readonly value: Bytes; readonly isError?: boolean } | "none";

/** An endpoint for one test, and the handler that calls it. */
export interface HandlerEndpoint extends AsyncDisposable {
  open(): Promise<Handler>;
  /** From here on, nothing can reach it. */
  goAway(): Promise<void>;
}

type Respond = (value: Bytes) => Answer | Promise<Answer>;

interface Started {
  readonly handler: Handler;
  readonly endpoint: HandlerEndpoint;
  /** Texts of the values that have come. */
  readonly calls: readonly string[];
}

const NEVER = new AbortController().signal;
const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** What every handler must do, whatever its transport. */
export function testHandlerContract(
  name: string,
  startEndpoint: (respond: Respond) => Promise<HandlerEndpoint>,
): void {
  function contract(
    rule: string,
    test: (start: (respond: Respond) => Promise<Started>) => Promise<void>,
  ): void {
    Deno.test(`${name} ${rule}`, async () => {
      await using stack = new AsyncDisposableStack();
      await test(async (respond) => {
        const calls: string[] = [];
        const endpoint = stack.use(
          await startEndpoint((value) => {
            calls.push(textOf(value));
            return respond(value);
          }),
        );
        return { handler: stack.use(await endpoint.open()), endpoint, calls };
      });
    });
  }

  contract("takes values and responses byte for byte", async (start) => {
    const { handler } = await start(echo);
    for (const value of [ALL_BYTES, ALL_BYTES.subarray(10, 20), new Uint8Array()]) {
      const result = await handler.handle(anEvent({ value }), NEVER);
      assertEquals(result.when, "onSuccess");
      assertEquals(new Uint8Array(result.value), new Uint8Array(value));
    }
  });

  contract("tells an error response from a success, and keeps its value", async (start) => {
    const { handler } = await start((value) => ({ value, isError: true }));
    const { when, value, summary } = await handler.handle(
      anEvent({ value: bytes("wrong") }),
      NEVER,
    );
    assertEquals({ when, text: textOf(value) }, { when: "onError", text: "wrong" });
    assert(!summary.includes("wrong"), summary);
  });

  contract(
    "throws a HandlerError that shows nothing of the event, when no response comes, and works again",
    async (start) => {
      const { handler } = await start((value) => textOf(value) === "SECRET" ? "none" : { value });
      const error = await assertRejects(
        () => handler.handle(anEvent({ key: bytes("SECRET"), value: bytes("SECRET") }), NEVER),
        HandlerError,
      );
      assertEquals(error.wasSent, true);
      assert(!error.message.includes("SECRET"), error.message);
      const { value } = await handler.handle(anEvent({ value: bytes("next") }), NEVER);
      assertEquals(textOf(value), "next");
    },
  );

  contract("says that a call was not sent, when nobody is there", async (start) => {
    const { handler, endpoint } = await start(echo);
    await endpoint.goAway();
    const error = await assertRejects(() => handler.handle(anEvent(), NEVER), HandlerError);
    assertEquals(error.wasSent, false);
  });

  contract("gives each of many calls its own response, whichever comes first", async (start) => {
    let arrived = 0;
    const { handler, calls } = await start(async (value) => {
      const number = ++arrived;
      // The first of two is answered after the second has come.
      if (number % 2 === 1) await eventually(() => arrived > number, { what: "another call" });
      return { value };
    });
    const values = Array.from({ length: 30 }, (_, number) => `${number}`);
    const results = await Promise.all(
      values.map((value) => handler.handle(anEvent({ value: bytes(value) }), NEVER)),
    );
    assertEquals(results.map(({ value }) => textOf(value)), values);
    assertEquals(calls.toSorted(), values.toSorted());
  });

  contract("gives a call up when its signal aborts", async (start) => {
    const silence = Promise.withResolvers<Answer>();
    const { handler, calls } = await start(() => silence.promise);
    const lease = new AbortController();
    const givenUp = assertRejects(() => handler.handle(anEvent(), lease.signal), HandlerError);
    await eventually(() => calls.length === 1, { what: "the call" });
    lease.abort();
    await givenUp;
    silence.resolve("none");
  });

  contract("calls nobody when its signal has aborted before", async (start) => {
    const { handler, calls } = await start(echo);
    await assertRejects(() => handler.handle(anEvent(), AbortSignal.abort()), HandlerError);
    await handler.handle(anEvent({ value: bytes("next") }), NEVER);
    assertEquals(calls, ["next"]);
  });
}

function echo(value: Bytes): Answer {
  return { value };
}

function textOf(value: Bytes): string {
  return new TextDecoder().decode(value);
}
