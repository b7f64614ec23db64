import { assertEquals } from "@std/assert";
import { UnansweredCalls } from "../../../src/core/failures/unanswered_calls.ts";

/** Calls of events with a clock that is moved by hand. */
class Calls {
  nowMs = 1000;
  readonly #unanswered = new UnansweredCalls({ now: () => this.nowMs });

  respond(afterMs: number): void {
    this.nowMs += afterMs;
    this.#unanswered.recordResponse();
  }

  /** Calls of these events go unanswered. Returns, for later, which were due to their event. */
  fail(events: readonly object[], { stepMs = 0 } = {}): () => boolean[] {
    const gaps = events.map((event) => {
      this.nowMs += stepMs;
      return this.#unanswered.record(event);
    });
    return () => gaps.map(({ isDueToEvents }) => isDueToEvents);
  }
}

const [A, B] = [{}, {}];

Deno.test("UnansweredCalls does not judge a call before the next response", () => {
  const calls = new Calls();
  calls.respond(0);
  const found = calls.fail([A]);
  assertEquals(found(), [false]);
  calls.respond(60_000);
  assertEquals(found(), [true]);
});

Deno.test("UnansweredCalls blames an event that alone goes unanswered, however often it is called for", () => {
  const calls = new Calls();
  calls.respond(0);
  const found = calls.fail([A, A], { stepMs: 30_000 });
  calls.respond(1000);
  assertEquals(found(), [true, true]);
});

Deno.test("UnansweredCalls blames the endpoint for several events when nobody was answered for a while", () => {
  const calls = new Calls();
  calls.respond(0);
  const found = calls.fail([A, B], { stepMs: 100 });
  calls.respond(50);
  assertEquals(found(), [false, false]);
  const next = calls.fail([A]);
  calls.respond(1000);
  assertEquals(next(), [true]);
});

Deno.test("UnansweredCalls blames each of several events when others are answered all the time", () => {
  const calls = new Calls();
  calls.respond(0);
  const found = calls.fail([A, B], { stepMs: 100 });
  calls.respond(49);
  assertEquals(found(), [true, true]);
});

Deno.test("UnansweredCalls blames the endpoint for several events before the first response", () => {
  const calls = new Calls();
  const found = calls.fail([A, B]);
  calls.respond(1);
  assertEquals(found(), [false, false]);
});
