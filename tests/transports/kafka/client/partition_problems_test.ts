import { assertEquals } from "@std/assert";
import { PipelineHealth } from "../../../../src/core/health.ts";
import { PartitionProblems } from "../../../../src/transports/kafka/client/partition_problems.ts";
import { RecordedLog } from "../../../support/recorded_log.ts";

const NO_LEADER = { offset: 17, reason: "no broker leads it", isTransient: true };
const DAMAGED = { offset: 5, reason: "a batch is damaged", isTransient: false };

function troublesOfOrders() {
  let nowMs = 0;
  const now = () => nowMs;
  const log = new RecordedLog();
  const health = new PipelineHealth({ now });
  const troubles = new PartitionProblems({
    topic: "orders",
    action: "read",
    log: log.log,
    health,
    now,
  });
  return {
    troubles,
    health,
    log,
    advance(ms: number) {
      nowMs += ms;
      troubles.report();
    },
  };
}

Deno.test("PartitionProblems says at once what does not pass by itself, in log and readiness", () => {
  const { troubles, health, log } = troublesOfOrders();
  troubles.note(3, DAMAGED);
  troubles.report();
  troubles.report();
  assertEquals(log.lines, ["ERROR - cannot read orders[3]@5: a batch is damaged; trying again"]);
  assertEquals(health.reasons(), ["cannot read orders[3]@5: a batch is damaged"]);
});

Deno.test("PartitionProblems says what usually passes only when it has lasted for 5 s", () => {
  const { troubles, health, log, advance } = troublesOfOrders();
  troubles.note(3, NO_LEADER);
  advance(4999);
  assertEquals([log.lines, health.reasons()], [[], []]);
  advance(1);
  assertEquals(log.lines, ["WARN - cannot read orders[3]@17: no broker leads it; trying again"]);
  assertEquals(health.reasons(), ["cannot read orders[3]@17: no broker leads it"]);
});

Deno.test("PartitionProblems says when a partition can be read again, if it has said that it could not", () => {
  const { troubles, health, log, advance } = troublesOfOrders();
  troubles.note(3, DAMAGED);
  troubles.note(4, NO_LEADER);
  advance(0);
  troubles.works(3);
  troubles.works(4);
  advance(0);
  assertEquals(log.lines.slice(1), ["INFO - reading orders[3] again"]);
  assertEquals([health.reasons(), troubles.isEmpty], [[], true]);
});

Deno.test("PartitionProblems keeps what does not end until the partition is read anew, whatever comes of it before", () => {
  const { troubles, health, log, advance } = troublesOfOrders();
  troubles.note(3, { ...DAMAGED, isFinal: true });
  advance(0);
  troubles.works(3);
  troubles.note(3, NO_LEADER);
  advance(60_000);
  assertEquals(log.lines, ["ERROR - cannot read orders[3]@5: a batch is damaged"]);
  assertEquals(health.reasons(), ["cannot read orders[3]@5: a batch is damaged"]);

  troubles.beginsAnew(3);
  assertEquals([health.reasons(), troubles.isEmpty], [[], true]);
});

Deno.test("PartitionProblems pauses a partition longer each time, up to 30 s, and the others not at all", () => {
  const { troubles, advance } = troublesOfOrders();
  const pausesMs: number[] = [];
  for (let times = 0; times < 7; times++) {
    troubles.note(3, DAMAGED);
    assertEquals(troubles.isPaused(4), false);
    let pauseMs = 0;
    for (; troubles.isPaused(3); pauseMs += 1000) advance(1000);
    pausesMs.push(pauseMs);
  }
  assertEquals(pausesMs, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

Deno.test("PartitionProblems pauses from the shortest time on after a partition could be read", () => {
  const { troubles, advance } = troublesOfOrders();
  troubles.note(3, DAMAGED);
  troubles.note(3, DAMAGED);
  troubles.works(3);
  assertEquals(troubles.isPaused(3), false);
  troubles.note(3, DAMAGED);
  advance(1000);
  assertEquals(troubles.isPaused(3), false);
});

Deno.test("PartitionProblems names ten partitions in a line that have the same reason, and counts the others", () => {
  const { troubles, log, advance } = troublesOfOrders();
  for (let partition = 0; partition < 200; partition++) {
    troubles.note(partition, { reason: "no broker leads it", isTransient: true });
  }
  advance(5000);
  assertEquals(log.lines, [
    "WARN - cannot read orders[0], orders[1], orders[2], orders[3], orders[4], orders[5], orders[6], orders[7], " +
    "orders[8], orders[9] and 190 more partitions: no broker leads it; trying again",
  ]);
});

Deno.test("PartitionProblems says another reason, but not every time that it changes", () => {
  const { troubles, log, health, advance } = troublesOfOrders();
  troubles.note(3, DAMAGED);
  advance(0);
  troubles.note(3, { ...DAMAGED, reason: "a batch is cut off" });
  advance(29_999);
  assertEquals(log.lines.length, 1);
  assertEquals(health.reasons(), ["cannot read orders[3]@5: a batch is cut off"]);
  advance(1);
  assertEquals(log.lines.slice(1), [
    "ERROR - cannot read orders[3]@5: a batch is cut off; trying again",
  ]);
});

Deno.test("PartitionProblems forgets partitions that the member does not hold any more, without a word", () => {
  const { troubles, health, log, advance } = troublesOfOrders();
  troubles.note(3, DAMAGED);
  advance(0);
  troubles.keepOnly([4]);
  advance(10_000);
  assertEquals([log.lines.length, health.reasons(), troubles.isPaused(3)], [1, [], false]);
});
