import { assertEquals, assertMatch } from "@std/assert";
import {
  beyondLookahead,
  calledOften,
  calledTooSoon,
  callsForNothing,
  misplaced,
  misplacedByAnswer,
  notAsAttempted,
  repeatedAttempts,
  shareLater,
} from "../../faults/examinations.ts";
import type { EndpointCall, History, Outcome, StoredEvent } from "../../faults/history.ts";

/** Three events in partition 0, stored 1000 ms after the beginning. */
const EVENTS: readonly StoredEvent[] = [0, 1, 2].map((offset) => ({
  partition: 0,
  offset,
  key: `key-${offset}`,
  sequence: offset,
  atMs: 1000,
}));

function outcome(offset: number, { topic = "results", atMs = 1100 } = {}): Outcome {
  const stored = { topic, partition: 0, offset, atMs };
  return { partition: 0, offset, sequence: offset, by: "", stored };
}

function call(
  offset: number,
  { attempt = 1, atMs = 1050, answer = "200" } = {},
): EndpointCall {
  return { partition: 0, offset, attempt, atMs, answer };
}

function history(changes: Partial<History> = {}): History {
  return {
    events: EVENTS,
    outcomes: [outcome(0), outcome(1), outcome(2)],
    calls: [call(0), call(1), call(2)],
    commits: [],
    faults: [],
    ends: [],
    resources: [],
    killed: new Set(),
    leaks: [],
    findings: [],
    ...changes,
  };
}

Deno.test("misplaced() names events whose outcome is in another topic, and no others", () => {
  assertEquals(misplaced(history(), () => "results"), []);
  const outcomes = [outcome(0), outcome(1, { topic: "errors" }), outcome(2)];
  assertEquals(misplaced(history({ outcomes }), () => "results"), [
    "1 outcomes stand in the wrong topic: 0@1 in errors, not in results",
  ]);
  assertEquals(
    misplaced(history({ outcomes }), ({ offset }) => offset === 1 ? "errors" : "results"),
    [],
  );
});

Deno.test("misplacedByAnswer() names events by the last answer to their calls", () => {
  const calls = [call(0, { attempt: 2, answer: "garbage" }), call(0), call(1), call(2)];
  const topicOf = (answer: string | undefined) => answer === "garbage" ? "errors" : "results";
  assertEquals(misplacedByAnswer(history({ calls }), topicOf), [
    "1 outcomes stand in the wrong topic: 0@0 in results, not in errors",
  ]);
  const outcomes = [outcome(0, { topic: "errors" }), outcome(1), outcome(2)];
  assertEquals(misplacedByAnswer(history({ calls, outcomes }), topicOf), []);
});

Deno.test("notAsAttempted() names events with a missing or a repeated attempt", () => {
  const inOrder = [call(0), call(0, { attempt: 2 }), call(1)];
  assertEquals(notAsAttempted(history({ calls: inOrder })), []);
  for (const attempts of [[1, 1], [1, 3], [2]]) {
    const calls = attempts.map((attempt) => call(0, { attempt }));
    assertMatch(notAsAttempted(history({ calls })).join(), /^1 events .*: 0@0 by attempts/);
  }
});

Deno.test("notAsAttempted() bears an attempt that came once more after a connection without a response", () => {
  const closed = call(0, { answer: "close" });
  assertEquals(notAsAttempted(history({ calls: [closed, call(0)] })), []);
  assertEquals(notAsAttempted(history({ calls: [closed, closed, call(0, { attempt: 2 })] })), []);
  for (const calls of [[closed, closed, call(0)], [call(0, { answer: "truncated" }), call(0)]]) {
    assertMatch(notAsAttempted(history({ calls })).join(), /^1 events .*: 0@0 by attempts/);
  }
});

Deno.test("repeatedAttempts() bears attempts that never came, and none that came twice", () => {
  const withGap = [call(0), call(0, { attempt: 3 })];
  assertEquals(repeatedAttempts(history({ calls: withGap })), []);
  const calls = [call(0), call(0)];
  assertMatch(repeatedAttempts(history({ calls })).join(), /^1 events .*: 0@0: 1, 1$/);
});

Deno.test("callsForNothing() names calls for events that there are not", () => {
  assertEquals(callsForNothing(history()), []);
  assertMatch(callsForNothing(history({ calls: [call(3)] })).join(), /^1 calls .*: 0@3$/);
});

Deno.test("calledOften() names events, of those meant, that were called for too often", () => {
  const calls = [call(0), call(0), call(1)];
  const isMeant = () => true;
  assertEquals(calledOften(history({ calls }), { isMeant, most: 2 }), []);
  const found = calledOften(history({ calls }), { isMeant, most: 1 }).join();
  assertMatch(found, /^1 events .*: 0@0 2 times$/);
  const isOther = ({ offset }: StoredEvent) => offset > 0;
  assertEquals(calledOften(history({ calls }), { isMeant: isOther, most: 1 }), []);
});

Deno.test("calledTooSoon() names calls that did not wait as they were told", () => {
  const after = (passedMs: number) => [
    call(0, { answer: "429", atMs: 1000 }),
    call(0, { attempt: 2, atMs: 1000 + passedMs }),
    call(1, { answer: "500", atMs: 1000 }),
    call(1, { attempt: 2, atMs: 1001 }),
  ];
  const told = { answer: "429", pauseMs: 1000 };
  assertEquals(calledTooSoon(history({ calls: after(1000) }), told), []);
  assertMatch(
    calledTooSoon(history({ calls: after(999) }), told).join(),
    /^1 calls .*: 0@0 999 ms/,
  );
});

Deno.test("beyondLookahead() measures from the lowest event that had no outcome by then", () => {
  const outcomes = [outcome(0, { atMs: 1200 }), outcome(1), outcome(2)];
  const early = history({ outcomes, calls: [call(0), call(1), call(2, { atMs: 1150 })] });
  assertEquals(beyondLookahead(early, 3), []);
  assertMatch(beyondLookahead(early, 2).join(), /^1 calls .*: 0@2, 2 behind$/);
  const late = history({ outcomes, calls: [call(0), call(1), call(2, { atMs: 1200 })] });
  assertEquals(beyondLookahead(late, 2), []);
});

Deno.test("shareLater() counts the events that are meant", () => {
  const outcomes = [outcome(0, { atMs: 1500 }), outcome(1), outcome(2)];
  assertEquals(shareLater(history({ outcomes }), { isMeant: () => true, ms: 499 }), 1 / 3);
  assertEquals(shareLater(history({ outcomes }), { isMeant: () => true, ms: 500 }), 0);
  const isMeant = ({ offset }: StoredEvent) => offset === 0;
  assertEquals(shareLater(history({ outcomes }), { isMeant, ms: 499 }), 1);
});
