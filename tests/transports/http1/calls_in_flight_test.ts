import { assert, assertEquals } from "@std/assert";
import { type CallInFlight, CallsInFlight } from "../../../src/transports/http1/calls_in_flight.ts";

const TIMEOUT_MS = 30;
const NEVER = new AbortController().signal;

Deno.test("CallsInFlight gives each call up at its own deadline and not before", async () => {
  using calls = new CallsInFlight(TIMEOUT_MS);
  const begin = async () => {
    const startedAt = performance.now();
    assertEquals((await givenUp(calls.begin(NEVER))).name, "TimeoutError");
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

  assertEquals((await givenUp(running)).name, "TimeoutError");
  assertEquals(ended.reason, undefined);
});

Deno.test("CallsInFlight gives up the calls of a lease that ends, and no others", () => {
  using calls = new CallsInFlight(TIMEOUT_MS);
  const [lease, otherLease] = [new AbortController(), new AbortController()];
  const mine = [calls.begin(lease.signal), calls.begin(lease.signal)];
  const other = calls.begin(otherLease.signal);

  lease.abort();

  assertEquals(mine.map(({ reason }) => reason?.name), ["AbortError", "AbortError"]);
  assertEquals(other.reason, undefined);
});

Deno.test("CallsInFlight gives up at once what begins with a lease that has ended", () => {
  using calls = new CallsInFlight(TIMEOUT_MS);
  assertEquals(calls.begin(AbortSignal.abort()).reason?.name, "AbortError");
});

Deno.test("CallsInFlight listens to a lease once, however many calls it is given with", () => {
  using calls = new CallsInFlight(TIMEOUT_MS);
  const { signal } = new AbortController();
  let listeners = 0;
  signal.addEventListener = () => listeners++;

  for (let call = 0; call < 100; call++) calls.end(calls.begin(signal));

  assertEquals(listeners, 1);
});

Deno.test("a CallInFlight is given up once, and tells whoever listens last, late listeners at once", () => {
  using calls = new CallsInFlight(TIMEOUT_MS);
  const call = calls.begin(NEVER);
  const told: string[] = [];
  call.onGivenUp(() => told.push("first"));
  call.onGivenUp(({ message }) => told.push(`second: ${message}`));

  call.giveUp(new Error("a"));
  call.giveUp(new Error("b"));
  call.onGivenUp(({ message }) => told.push(`late: ${message}`));

  assertEquals(told, ["second: a", "late: a"]);
  assertEquals(call.reason?.message, "a");
});

function givenUp(call: CallInFlight): Promise<Error> {
  return new Promise((resolve) => call.onGivenUp(resolve));
}

/** Lets time pass in which nothing else can happen. */
function spin(durationMs: number): void {
  const end = performance.now() + durationMs;
  while (performance.now() < end);
}
