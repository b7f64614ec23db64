import { assertEquals } from "@std/assert";
import { check } from "../../faults/checker.ts";
import {
  type Commit,
  type History,
  NUMBERS_OF_A_TOPIC,
  type Outcome,
  type StoredEvent,
} from "../../faults/history.ts";
import { byGeneration } from "../../faults/topic_generations.ts";

const GONE_AT_MS = 2000;

/** The first events of the only partition of the n-th topic. */
function eventsOf(generation: number, count: number): StoredEvent[] {
  return Array.from({ length: count }, (_, offset) => ({
    partition: 0,
    offset,
    key: "key",
    sequence: generation * NUMBERS_OF_A_TOPIC + offset,
    atMs: offset,
  }));
}

function result({ offset, sequence }: StoredEvent, n: number): Outcome {
  const stored = { topic: "results", partition: 0, offset: n, atMs: 1000 + n };
  return { partition: 0, offset, sequence, by: "", stored };
}

function commit(atMs: number, offset: number): Commit {
  return { partition: 0, offset, atMs };
}

/** What the checker says of a topic of three events whose place another one of two has taken. */
function found(
  { settled, commits }: { settled: readonly StoredEvent[]; commits: readonly Commit[] },
): string[] {
  const history: History = {
    events: eventsOf(1, 2),
    outcomes: settled.map(result),
    calls: [],
    commits,
    faults: [],
    ends: [],
    resources: [],
    killed: new Set(),
    leaks: [],
    findings: [],
  };
  const gone = [{ events: eventsOf(0, 3), goneAtMs: GONE_AT_MS }];
  return check(byGeneration(history, gone), { duplicates: 0 }).violations
    .map(({ invariant, examples }) => `${invariant}: ${examples.join("; ")}`);
}

const [first, second, third] = eventsOf(0, 3) as [StoredEvent, StoredEvent, StoredEvent];
const [newFirst, newSecond] = eventsOf(1, 2) as [StoredEvent, StoredEvent];

Deno.test("byGeneration() tells the events of topics with the same name apart", () => {
  const settled = [first, second, newFirst, newSecond];
  assertEquals(
    found({ settled, commits: [commit(1500, 2), commit(3000, 1), commit(4000, 2)] }),
    [],
  );
});

Deno.test("byGeneration() expects everything of the topic that is there", () => {
  const commits = [commit(1500, 1), commit(4000, 2)];
  assertEquals(found({ settled: [first, newFirst], commits }), [
    "I1: 1000@1",
    "I4: 1000 to 2, while 1000@1 was settled never",
  ]);
});

Deno.test("byGeneration() expects of a topic that is gone what was committed of it", () => {
  const commits = [commit(1500, 2), commit(3000, 1), commit(4000, 2)];
  assertEquals(found({ settled: [first, newFirst, newSecond], commits }), [
    "I1: 0@1",
    "I4: 0 to 2, while 0@1 was settled never",
  ]);
});

Deno.test("byGeneration() does not take what stays committed of a topic for a commit of the next one", () => {
  const settled = [first, second, third, newFirst, newSecond];
  const commits = [commit(1500, 3), commit(2001, 3), commit(3000, 1), commit(4000, 2)];
  // Nothing was waiting that the topic could have taken with it.
  assertEquals(found({ settled, commits }), ["row: no topic went with events that waited"]);
});
