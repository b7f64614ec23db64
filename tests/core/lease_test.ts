import { assertEquals } from "@std/assert";
import { LeaseController } from "../../src/core/lease.ts";

Deno.test("LeaseController ends in two steps", () => {
  const lease = new LeaseController();
  assertEquals([lease.ending.aborted, lease.ended.aborted], [false, false]);
  lease.beginEnd();
  assertEquals([lease.ending.aborted, lease.ended.aborted], [true, false]);
  lease.end();
  assertEquals([lease.ending.aborted, lease.ended.aborted], [true, true]);
});

Deno.test("LeaseController.end() lets nobody see a lease that has ended and is not ending", () => {
  const lease = new LeaseController();
  const seen: boolean[] = [];
  lease.ended.addEventListener("abort", () => seen.push(lease.ending.aborted));
  lease.ending.addEventListener("abort", () => seen.push(!lease.ended.aborted));

  lease.end();

  assertEquals(seen, [true, true]);
});

Deno.test("LeaseController tells of each step once, however often it is ended", () => {
  const lease = new LeaseController();
  const told: string[] = [];
  lease.ending.addEventListener("abort", () => told.push("ending"));
  lease.ended.addEventListener("abort", () => told.push("ended"));

  lease.beginEnd();
  lease.beginEnd();
  lease.end();
  lease.end();

  assertEquals(told, ["ending", "ended"]);
});

Deno.test("LeaseController tells everybody who asked when it ends", () => {
  const lease = new LeaseController();
  const told: string[] = [];
  const state = () => lease.ended.aborted ? "ended" : "ending";
  lease.onChange(() => told.push(`first: ${state()}`));
  lease.onChange(() => told.push(`second: ${state()}`));

  lease.beginEnd();
  lease.beginEnd();
  assertEquals(told.splice(0), ["first: ending", "second: ending"]);

  lease.end();
  lease.end();
  assertEquals(told, ["first: ended", "second: ended"]);
});
