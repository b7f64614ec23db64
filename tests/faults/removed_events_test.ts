import { assertEquals } from "@std/assert";
import type { History, Outcome, StoredEvent } from "../../faults/history.ts";
import { withoutRemoved } from "../../faults/removed_events.ts";

const EVENTS: readonly StoredEvent[] = [0, 1, 2, 3, 4].map((offset) => ({
  partition: 0,
  offset,
  key: "key",
  sequence: offset,
  atMs: offset,
}));

function historyWithResultsOf(offsets: readonly number[]): History {
  const outcomes: Outcome[] = offsets.map((offset) => ({
    partition: 0,
    offset,
    sequence: offset,
    by: "",
    stored: { topic: "results", partition: 0, offset, atMs: 1000 },
  }));
  return {
    events: [],
    outcomes,
    calls: [],
    commits: [],
    faults: [],
    ends: [],
    resources: [],
    killed: new Set(),
    leaks: [],
    findings: [],
  };
}

/** The offsets of the events that are expected when the topic began at `first` from some time on. */
function expected(settled: readonly number[], first: number): number[] {
  const removals = [new Map([[0, first]])];
  const { events } = withoutRemoved(historyWithResultsOf(settled), { events: EVENTS, removals });
  return events.map(({ offset }) => offset);
}

Deno.test("withoutRemoved() expects nothing of the events that were removed before anybody got to them", () => {
  assertEquals(expected([0, 3, 4], 3), [0, 3, 4]);
});

Deno.test("withoutRemoved() expects the events above those that were removed", () => {
  assertEquals(expected([0], 3), [0, 3, 4]);
});

Deno.test("withoutRemoved() expects no more of a batch in which the topic begins than of others", () => {
  assertEquals(expected([0, 2, 3, 4], 3), [0, 2, 3, 4]);
});

Deno.test("withoutRemoved() allows for one gap only", () => {
  assertEquals(expected([1, 3, 4], 3), [0, 1, 3, 4]);
  assertEquals(expected([1, 3], 5), [0, 1, 2, 3]);
});

Deno.test("withoutRemoved() finds it wrong that nobody missed anything", () => {
  const removals = [new Map([[0, 3]])];
  const history = historyWithResultsOf([0, 1, 2, 3, 4]);
  assertEquals(withoutRemoved(history, { events: EVENTS, removals }).findings, [
    "nothing was removed before eventor had got to it",
  ]);
});
