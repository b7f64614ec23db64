import { assertEquals } from "@std/assert";
import { needlessRepeats } from "../../faults/needless_repeats.ts";
import type { EndpointCall, Fault, History, Outcome, StoredEvent } from "../../faults/history.ts";
import { OutcomeIndex } from "../../faults/outcome_index.ts";

const STOP: Fault = { what: "SIGTERM", beganAtMs: 2000, endedAtMs: 5000 };

const EVENTS: readonly StoredEvent[] = [0, 1].flatMap((partition) =>
  [0, 1, 2, 3].map((offset) => ({ partition, offset, key: "a", sequence: offset, atMs: 900 }))
);

function outcome(partition: number, offset: number, atMs: number): Outcome {
  const stored = { topic: "results", partition, offset: atMs, atMs };
  return { partition, offset, sequence: offset, by: "", stored };
}

function hang(partition: number, offset: number, atMs: number): EndpointCall {
  return { partition, offset, atMs, attempt: 1, answer: "hang" };
}

/** Where the events stand of which an outcome was repeated for nothing; each outcome comes 10 ms after a call. */
function found(
  outcomes: readonly Outcome[],
  hung: readonly EndpointCall[],
  faults: readonly Fault[] = [STOP],
): string[] {
  const answered = outcomes.map(({ partition, offset, stored }) => (
    { partition, offset, atMs: stored.atMs - 10, attempt: 1, answer: "200" }
  ));
  const history: History = {
    events: EVENTS,
    outcomes,
    calls: [...answered, ...hung],
    commits: [],
    faults,
    ends: [],
    resources: [],
    killed: new Set(),
    leaks: [],
    findings: [],
  };
  return needlessRepeats(history, new OutcomeIndex(EVENTS, outcomes))
    .map(({ partition, offset, stored }) => `${partition}@${offset} at ${stored.atMs}`);
}

Deno.test("needlessRepeats() leaves out what stood behind a call that hung when a process was stopped", () => {
  const before = [outcome(0, 0, 1000), outcome(0, 2, 1800), outcome(0, 3, 2500)];
  const after = [outcome(0, 1, 6000), outcome(0, 2, 6001), outcome(0, 3, 6002)];
  assertEquals(found([...before, ...after], [hang(0, 1, 1700)]), []);
});

Deno.test("needlessRepeats() finds what stood before that call, or in a partition without one", () => {
  const before = [outcome(0, 0, 1000), outcome(0, 2, 1800)];
  const elsewhere = [0, 1, 2, 3].map((offset) => outcome(1, offset, 1000));
  const after = [outcome(0, 0, 6000), outcome(0, 1, 6001), outcome(0, 2, 6002)];
  const outcomes = [...before, ...elsewhere, ...after, outcome(1, 1, 6003)];
  assertEquals(found(outcomes, [hang(0, 1, 1700)]), ["0@0 at 6000", "1@1 at 6003"]);
});

Deno.test("needlessRepeats() finds what was begun although the process had been asked to end", () => {
  const before = [outcome(0, 0, 1000), outcome(0, 2, 1800), outcome(0, 3, 4000)];
  const after = [outcome(0, 1, 6000), outcome(0, 2, 6001), outcome(0, 3, 6002)];
  assertEquals(found([...before, ...after], [hang(0, 1, 1700)]), ["0@3 at 6002"]);
});

Deno.test("needlessRepeats() finds what is repeated before a stop, or twice after it", () => {
  const before = [outcome(0, 0, 1000), outcome(0, 2, 1200), outcome(0, 2, 1300)];
  const after = [outcome(0, 1, 6000), outcome(0, 2, 6001), outcome(0, 2, 6002)];
  assertEquals(found([...before, ...after], [hang(0, 1, 1100)]), ["0@2 at 1300", "0@2 at 6002"]);
});

Deno.test("needlessRepeats() lets a call that hangs for an event with an outcome hold up the next process, too", () => {
  const again = { what: "SIGTERM", beganAtMs: 7000, endedAtMs: 9000 };
  const first = [outcome(0, 0, 1000), outcome(0, 2, 1800)];
  const second = [outcome(0, 1, 6000), outcome(0, 3, 6001)];
  const third = [outcome(0, 2, 9500), outcome(0, 3, 9501)];
  const hung = [hang(0, 1, 1700), hang(0, 2, 6000)];
  assertEquals(found([...first, ...second, ...third], hung, [STOP, again]), []);
  assertEquals(found([...first, ...second, ...third], hung.slice(0, 1), [STOP, again]), [
    "0@3 at 9501",
  ]);
});
