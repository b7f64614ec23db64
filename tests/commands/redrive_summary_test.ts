import { assertEquals } from "@std/assert";
import { progressLine, summary } from "../../src/commands/redrive_summary.ts";
import type { RedriveProgress } from "../../src/process/worker_messages.ts";

const PLACES = { from: "the dead letters", onto: "the events", dryRun: false };
const COUNTS = { redriven: 0, notMatching: 0, ofOtherPipelines: 0, notDeadLetters: 0 };

const PROGRESS: RedriveProgress = {
  counts: { redriven: 380, notMatching: 15, ofOtherPipelines: 4, notDeadLetters: 1 },
  reading: {
    range: "all",
    total: 1000,
    unread: 600,
    read: ["partition 2, offsets 100 to 149", "partition 10, offsets 0 to 349"],
  },
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
    "  passed over: 15 without status=503, 4 of other pipelines, 1 that are no dead letters",
    "  read: partition 2, offsets 100 to 149",
    "  read: partition 10, offsets 0 to 349",
    "  not read yet: 600 records",
  ]);
});

Deno.test("summary() says what would go back, when nothing was done", () => {
  const counts = { ...COUNTS, redriven: 1 };
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
