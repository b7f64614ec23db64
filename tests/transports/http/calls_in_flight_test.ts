import { assert, assertEquals } from "@std/assert";
import { aborted } from "../../../src/backoff.ts";
import { CallsInFlight } from "../../../src/transports/http/calls_in_flight.ts";

const TIMEOUT_MS = 30;
const NEVER = new AbortController().signal;

Deno.test("CallsInFlight gives each call up at its own deadline and not before", async () => {
  using calls = new CallsInFlight(TIMEOUT_MS);
  const begin = async () => {
    const startedAt = performance.now();
    const { controller: { signal } } = calls.begin(NEVER);
    await aborted(signal);
    assertEquals(signal.reason.name, "TimeoutError");
    return performance.now() - startedAt;
  };
  const first = begin();
  spin(TIMEOUT_MS / 2);
  const second = begin();
  const third = first.then(begin);

  for (const elapsedMs of await Promise.all([first, second, third])) {
    assert(elapsedMs >= TIMEOUT_MS, `given up after ${elapsedMs} ms`);
  }
});

Deno.test("CallsInFlight leaves calls alone that have ended", async () => {
  using calls = new CallsInFlight(TIMEOUT_MS);
  const lease = new AbortController();
  const ended = calls.begin(lease.signal);
  calls.end(ended);
  const running = calls.begin(NEVER);

  lease.abort();
  await aborted(running.controller.signal);

  assertEquals(running.controller.signal.reason.name, "TimeoutError");
  assertEquals(ended.controller.signal.aborted, false);
});

Deno.test("CallsInFlight gives up the calls of a signal that aborts, for its reason, and no others", () => {
  using calls = new CallsInFlight(TIMEOUT_MS);
  const [lease, otherLease] = [new AbortController(), new AbortController()];
  const mine = [calls.begin(lease.signal), calls.begin(lease.signal)];
  const other = calls.begin(otherLease.signal);

  lease.abort("revoked");

  assertEquals(mine.map(({ controller }) => controller.signal.reason), ["revoked", "revoked"]);
  assertEquals(other.controller.signal.aborted, false);
});

Deno.test("CallsInFlight gives up at once what begins with an aborted signal", () => {
  using calls = new CallsInFlight(TIMEOUT_MS);
  const { controller } = calls.begin(AbortSignal.abort("revoked"));
  assertEquals(controller.signal.reason, "revoked");
});

Deno.test("CallsInFlight listens to a signal once, however many calls it is given with", () => {
  using calls = new CallsInFlight(TIMEOUT_MS);
  const { signal } = new AbortController();
  let listeners = 0;
  signal.addEventListener = () => listeners++;

  for (let call = 0; call < 100; call++) calls.end(calls.begin(signal));

  assertEquals(listeners, 1);
});

/** Lets time pass in which nothing else can happen. */
function spin(durationMs: number): void {
  const end = performance.now() + durationMs;
  while (performance.now() < end);
}
