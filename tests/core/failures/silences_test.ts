import { assertEquals } from "@std/assert";
import { Silences } from "../../../src/core/failures/silences.ts";

/** Calls of events with a clock that is moved by hand. */
class Calls {
  nowMs = 1000;
  readonly silences = new Silences({ now: () => this.nowMs });

  respond(afterMs: number): void {
    this.nowMs += afterMs;
    this.silences.noteResponse();
  }

  /** Says of each of the events' calls whether it came to nothing by its own fault. */
  fail(events: readonly object[], { stepMs = 0 } = {}): () => boolean[] {
    const lulls = events.map((event) => {
      this.nowMs += stepMs;
      return this.silences.noteSilence(event);
    });
    return () => lulls.map(({ isOwnFault }) => isOwnFault);
  }
}

const [A, B] = [{}, {}];

Deno.test("Silences knows nothing of a silence before the next response", () => {
  const calls = new Calls();
  calls.respond(0);
  const found = calls.fail([A]);
  assertEquals(found(), [false]);
  calls.respond(60_000);
  assertEquals(found(), [true]);
});

Deno.test("Silences takes the silence of one event alone for its own fault, however often it is called for", () => {
  const calls = new Calls();
  calls.respond(0);
  const found = calls.fail([A, A], { stepMs: 30_000 });
  calls.respond(1000);
  assertEquals(found(), [true, true]);
});

Deno.test("Silences takes that of several events for the endpoint's, when nobody was answered for a while", () => {
  const calls = new Calls();
  calls.respond(0);
  const found = calls.fail([A, B], { stepMs: 100 });
  calls.respond(50);
  assertEquals(found(), [false, false]);
  const next = calls.fail([A]);
  calls.respond(1000);
  assertEquals(next(), [true]);
});

Deno.test("Silences takes that of several events for their own fault, when others are answered all the time", () => {
  const calls = new Calls();
  calls.respond(0);
  const found = calls.fail([A, B], { stepMs: 100 });
  calls.respond(49);
  assertEquals(found(), [true, true]);
});

Deno.test("Silences takes those before the first response for the endpoint's", () => {
  const calls = new Calls();
  const found = calls.fail([A, B]);
  calls.respond(1);
  assertEquals(found(), [false, false]);
});
