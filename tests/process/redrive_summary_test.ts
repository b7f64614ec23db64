import { assertEquals } from "@std/assert";
import { progressLine, summary } from "../../src/process/redrive_summary.ts";
import type { RedriveProgress } from "../../src/process/worker_messages.ts";

const PLACES = { from: "the dead letters", onto: "the events", dryRun: false };
const COUNTS = {
  putBack: 0,
  notChosen: 0,
  putBackBefore: 0,
  ofOtherPipelines: 0,
  noDeadLetters: 0,
};

const PROGRESS: RedriveProgress = {
  counts: { putBack: 380, notChosen: 12, putBackBefore: 3, ofOtherPipelines: 4, noDeadLetters: 1 },
  starts: new Map([[10, 0], [2, 100], [1, 7]]),
  ends: new Map([[10, 500], [2, 600], [1, 7]]),
  positions: new Map([[10, 350], [2, 150], [1, 7]]),
};

function lines(text: string): string[] {
  return text.split("\n").slice(0, -1);
}

Deno.test("progressLine() says how many were looked at, of how many there are", () => {
  assertEquals(progressLine(PROGRESS), "redriven 380, looked at 400 of 1000 dead letters");
});

Deno.test("summary() says what went back, what did not, and how far it got", () => {
  const filter = { name: "status", value: "503" } as const;
  assertEquals(lines(summary(PROGRESS, { ...PLACES, filter })), [
    "put back 380 dead letters",
    "  from the dead letters",
    "  onto the events",
    "  passed over: 12 without status=503, 3 put back by another redrive, 4 of other pipelines, " +
    "1 that are no dead letters",
    "  read: partition 2, offsets 100 to 149",
    "  read: partition 10, offsets 0 to 349",
    "  not read yet: 600 records",
  ]);
});

Deno.test("summary() says what would go back, when nothing was done", () => {
  const counts = { ...COUNTS, putBack: 1 };
  assertEquals(lines(summary({ ...PROGRESS, counts }, { ...PLACES, dryRun: true })), [
    "would put back 1 dead letter",
    "  from the dead letters",
    "  onto the events",
    "  passed over: none",
  ]);
});

Deno.test("summary() says that nothing went back, when it came to nothing", () => {
  assertEquals(lines(summary(null, PLACES)), [
    "put back 0 dead letters",
    "  from the dead letters",
    "  onto the events",
  ]);
});
