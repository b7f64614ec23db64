import { assertEquals } from "@std/assert";
import { check } from "../../faults/checker.ts";
import type {
  Commit,
  EndpointCall,
  History,
  Limits,
  Outcome,
  StoredEvent,
} from "../../faults/history.ts";

const STRICT: Limits = { duplicates: 0 };

/** Three events in partition 0, of the keys a, b and a. */
const EVENTS: readonly StoredEvent[] = [
  { partition: 0, offset: 0, key: "a", sequence: 0, atMs: 900 },
  { partition: 0, offset: 1, key: "b", sequence: 1, atMs: 900 },
  { partition: 0, offset: 2, key: "a", sequence: 2, atMs: 900 },
];

/** The result of the event at an offset, as the n-th of its log and n ms after the first one. */
function result(
  offset: number,
  n: number,
  { sequence = offset, by = "", topic = "results", atMs = 1000 + n }: {
    sequence?: number;
    by?: string;
    topic?: string;
    atMs?: number;
  } = {},
): Outcome {
  return { partition: 0, offset, sequence, by, stored: { topic, partition: 0, offset: n, atMs } };
}

function commit(atMs: number, offset: number): Commit {
  return { partition: 0, offset, atMs };
}

function call(partition: number, offset: number): EndpointCall {
  return { partition, offset, atMs: 1000, attempt: 1, answer: "200" };
}

/** A run in which everything is as it should be, but for what is given. */
function history(changes: Partial<History> = {}): History {
  return {
    events: EVENTS,
    outcomes: [result(0, 0), result(1, 1), result(2, 2)],
    calls: EVENTS.map(({ partition, offset }) => call(partition, offset)),
    commits: [commit(1001, 1), commit(2000, 3)],
    faults: [],
    ends: [{ who: "eventor", expected: 0, found: 0, tookMs: 10, maxMs: 20 }],
    resources: [],
    killed: new Set(),
    leaks: [],
    findings: [],
    ...changes,
  };
}

/** What the checker finds, as `I1: message: example; example`. */
function found(changes: Partial<History>, limits: Limits = STRICT): string[] {
  return check(history(changes), limits).violations
    .map(({ invariant, message, examples }) => `${invariant}: ${message}: ${examples.join("; ")}`);
}

Deno.test("check() finds nothing in a run in which everything is as it should be", () => {
  assertEquals(found({}), []);
});

Deno.test("check() finds nothing in results of different keys that overtake each other", () => {
  assertEquals(found({ outcomes: [result(1, 0), result(0, 1), result(2, 2)] }), []);
});

Deno.test("check() finds an event without a result (I1), which no commit may pass either (I4)", () => {
  assertEquals(found({ outcomes: [result(0, 0), result(2, 1)] }), [
    "I1: 1 × events without a result or dead letter: 0@1",
    "I4: 1 × commits that passed an unsettled event: 0 to 3, while 0@1 was settled never",
  ]);
});

Deno.test("check() takes a dead letter for what came of an event", () => {
  const letter = result(1, 0, { topic: "dead-letters", atMs: 1001 });
  assertEquals(found({ outcomes: [result(0, 0), result(2, 1), letter] }), []);
});

Deno.test("check() finds a result that holds the value of another event (I1)", () => {
  const outcomes = [result(0, 0), result(1, 1), result(2, 2), result(1, 3, { sequence: 0 })];
  assertEquals(found({ outcomes }), [
    "I1: 1 × results of other events than they say: results[0]@3 of 0@1",
  ]);
});

Deno.test("check() finds a result of an event that there is not (I1)", () => {
  const outcomes = [result(0, 0), result(1, 1), result(2, 2), result(7, 3)];
  assertEquals(found({ outcomes }), [
    "I1: 1 × results of other events than they say: results[0]@3 of 0@7",
  ]);
});

Deno.test("check() finds that not everything is committed in the end (I1)", () => {
  assertEquals(found({ commits: [commit(2000, 2)] }), [
    "I1: 1 × partitions not committed to their end: 0: 2 of 3",
  ]);
  assertEquals(found({ commits: [] }), [
    "I1: 1 × partitions not committed to their end: 0: -1 of 3",
  ]);
});

Deno.test("check() finds events of a key whose results have changed places (I2)", () => {
  assertEquals(
    found({ outcomes: [result(2, 0), result(1, 1), result(0, 2)], commits: [commit(2000, 3)] }),
    [
      "I2: 1 × events whose first result comes before one of an earlier event of their key: " +
      "0@2 of key 'a' at results[0]@0, but 0@0 at results[0]@2",
    ],
  );
});

Deno.test("check() compares results with dead letters by the time of storing (I2)", () => {
  const letter = result(0, 0, { topic: "dead-letters", atMs: 1500 });
  const outcomes = [result(1, 0), result(2, 1), letter];
  assertEquals(found({ outcomes, commits: [commit(2000, 3)] }), [
    "I2: 1 × events whose first result comes before one of an earlier event of their key: " +
    "0@2 of key 'a' at results[0]@1, but 0@0 at dead-letters[0]@0",
  ]);
});

Deno.test("check() holds only the first results of a key to its order", () => {
  const outcomes = [result(0, 0), result(1, 1), result(2, 2), result(0, 3)];
  assertEquals(found({ outcomes }, { duplicates: 1 }), []);
});

Deno.test("check() finds more duplicates than the row may have (I3)", () => {
  const outcomes = [result(0, 0), result(1, 1), result(2, 2), result(0, 3), result(1, 4)];
  assertEquals(found({ outcomes }, { duplicates: 1 }), [
    "I3: 2 × more than 1 duplicates of results: results[0]@3 of 0@0; results[0]@4 of 0@1",
  ]);
  assertEquals(found({ outcomes }, { duplicates: 2 }), []);
});

Deno.test("check() finds what is repeated although its member was not killed (I3)", () => {
  const limits = { duplicates: 9, onlyKilledRepeat: true };
  const outcomes = [
    result(0, 0, { by: "gone" }),
    result(1, 1, { by: "stopped" }),
    result(2, 2, { by: "stopped" }),
    result(0, 3, { by: "next" }),
    result(1, 4, { by: "next" }),
  ];
  assertEquals(found({ outcomes, killed: new Set(["gone"]) }, limits), [
    "I3: 1 × repeated although the member that had stored a result was not killed: " +
    "results[0]@4 of 0@1 by next, after results[0]@1 of 0@1 by stopped",
  ]);
});

Deno.test("check() finds what is repeated without a call that hung, where only that may cause it (I3)", () => {
  const limits = { duplicates: 9, onlyUnfinishedRepeat: true };
  const outcomes = [result(0, 0), result(1, 1), result(2, 2), result(1, 3)];
  assertEquals(found({ outcomes }, limits), [
    "I3: 1 × repeated although they could be committed, or need not have been begun: " +
    "results[0]@3 of 0@1",
  ]);
});

Deno.test("check() finds a commit that passed an event whose result came later (I4)", () => {
  const outcomes = [result(0, 0), result(1, 1, { atMs: 1500 }), result(2, 2, { atMs: 1500 })];
  assertEquals(found({ outcomes, commits: [commit(1100, 2), commit(2000, 3)] }), [
    "I4: 1 × commits that passed an unsettled event: 0 to 2, while 0@1 was settled 400 ms later",
  ]);
});

Deno.test("check() finds a commit that went back (I4)", () => {
  assertEquals(found({ commits: [commit(1100, 3), commit(1200, 1), commit(2000, 3)] }), [
    "I4: 1 × commits that went back: 0 from 3 to 1 at 1200",
  ]);
});

Deno.test("check() finds ends that were not as they should be (I5)", () => {
  const ends = [
    { who: "first", expected: null, found: 1 },
    { who: "second", expected: 0, found: "SIGKILL" },
    { who: "third", expected: 0, found: 0, tookMs: 30, maxMs: 20 },
    { who: "fourth", expected: 133, found: 133 },
  ];
  assertEquals(found({ ends }), [
    "I5: 3 × ends that were not as they should be: first ended by itself with 1; " +
    "second ended with SIGKILL instead of 0; third took 30 of 20 ms to end",
  ]);
});

Deno.test("check() finds a process that holds a fifth more than before (I6)", () => {
  const before = { rssMb: 100, sockets: 50 };
  const resources = [
    { who: "first", before, after: { rssMb: 120, sockets: 60 } },
    { who: "second", before, after: { rssMb: 121, sockets: 61 } },
  ];
  assertEquals(found({ resources }), [
    "I6: 2 × processes that hold more than before: second: rssMb from 100 to 121; " +
    "second: sockets from 50 to 61",
  ]);
});

Deno.test("check() finds a fault after which results come too late (I7)", () => {
  const faults = [
    { what: "first", beganAtMs: 900, endedAtMs: 1001 },
    { what: "second", beganAtMs: 1002, endedAtMs: 1003 },
  ];
  const outcomes = [result(0, 0), result(1, 1), result(2, 2, { atMs: 4003 })];
  const changes = { faults, outcomes, commits: [commit(5000, 3)] };
  assertEquals(found(changes, { duplicates: 0, recoveryMs: 2999 }), [
    "I7: 1 × no result within 2999 ms after a fault: second: 3000 ms",
  ]);
  assertEquals(check(history(changes), STRICT).figures.recoveryMs, 3000);
});

Deno.test("check() finds a time without results that is too long (I7)", () => {
  const outcomes = [result(0, 0), result(1, 1), result(2, 2, { atMs: 4001 })];
  assertEquals(found({ outcomes, commits: [commit(5000, 3)] }, { duplicates: 0, stallMs: 2999 }), [
    "I7: 1 × no result for more than 2999 ms: 3000 ms",
  ]);
});

Deno.test("check() finds a partition without results while an event waits, whatever others do (I7)", () => {
  const events = [
    ...EVENTS.map((event, n) => ({ ...event, atMs: 900 + n * 1000 })),
    { partition: 1, offset: 0, key: "c", sequence: 0, atMs: 2500 },
  ];
  const elsewhere = { ...result(0, 3, { atMs: 4000 }), partition: 1 };
  const outcomes = [result(0, 0), result(1, 1, { atMs: 1950 }), result(2, 2, { atMs: 6900 })];
  const changes = {
    events,
    outcomes: [...outcomes, elsewhere],
    commits: [commit(7000, 3), { partition: 1, offset: 1, atMs: 7000 }],
  };
  assertEquals(found(changes, { duplicates: 0, partitionStallMs: 3999 }), [
    "I7: 1 × no result of a partition for more than 3999 ms while an event waited: 0@2: 4000 ms",
  ]);
  assertEquals(found(changes, { duplicates: 0, partitionStallMs: 4000 }), []);
});

Deno.test("check() takes a partition in which no event waits for quiet, not for stalled", () => {
  const events = EVENTS.map((event, n) => n < 2 ? event : { ...event, atMs: 8000 });
  const limits = { duplicates: 0, partitionStallMs: 200 };
  const commits = [commit(9000, 3)];
  const last = result(2, 2, { atMs: 8050 });
  assertEquals(
    found({ events, outcomes: [result(0, 0), result(1, 1), last], commits }, limits),
    [],
  );
  assertEquals(
    found({ events, outcomes: [result(0, 0), last], commits }, limits).at(-1),
    "I7: 1 × no result of a partition for more than 200 ms while an event waited: 0@1: 7050 ms",
  );
});

Deno.test("check() passes on where the secret shows (I8), and what the row found itself", () => {
  assertEquals(
    found({ leaks: ["the log of eventor"], findings: ["no dropped line was counted"] }),
    [
      "row: 1 × findings of the row itself: no dropped line was counted",
      "I8: 1 × places where the secret shows: the log of eventor",
    ],
  );
});

Deno.test("check() counts what it saw, and names the first five cases of a violation", () => {
  const events = Array.from(
    { length: 8 },
    (_, offset) => ({ partition: 0, offset, key: "a", sequence: offset, atMs: 900 }),
  );
  const calls = [0, 0, 0, 1].map((offset) => call(0, offset));
  const outcomes = [result(1, 0), result(0, 1), result(1, 2)];
  const { figures, violations } = check(
    history({ events, calls, outcomes, commits: [] }),
    { duplicates: 1 },
  );
  assertEquals(figures, {
    events: 8,
    faults: 0,
    lost: 6,
    outOfOrder: 1,
    duplicates: 1,
    endpointCopies: 2,
    recoveryMs: null,
    stallMs: 1,
  });
  assertEquals(violations[0]?.examples, ["0@2", "0@3", "0@4", "0@5", "0@6"]);
});
