import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  Admission,
  type AdmissionObserver,
  BrokerRefusedError,
} from "../../../../src/transports/kafka/client/admission.ts";
import { PAUSE_AFTER_REFUSAL_MS } from "../../../../src/core/access_refused.ts";
import { everythingSettled } from "../../../support/eventually.ts";

const NOBODY: AdmissionObserver = { admitted() {}, refused() {} };

Deno.test("Admission lets one connection try at a time", async () => {
  const { admission } = anAdmission();
  const first = await admission.enter(NOBODY);
  let hasEntered = false;
  const second = admission.enter(NOBODY).then((attempt) => {
    hasEntered = true;
    return attempt;
  });
  await everythingSettled();
  assertEquals(hasEntered, false);

  first.admit();
  const attempt = await second;
  assertEquals([attempt.isDecided, attempt.refusal], [false, null]);
});

Deno.test("Admission shares a refusal with those that waited for it, and each is told", async () => {
  const { admission } = anAdmission();
  const told: string[] = [];
  const observer = { admitted() {}, refused: ({ message }: Error) => told.push(message) };
  const first = await admission.enter(observer);
  const others = [admission.enter(observer), admission.enter(observer)];
  first.refuse("wrong password");

  for (const other of others) {
    await assertRejects(() => other, BrokerRefusedError, "wrong password");
  }
  assertEquals(told, ["wrong password", "wrong password", "wrong password"]);
});

Deno.test("Admission makes whoever comes after a refusal wait, and only once for all", async () => {
  const { admission, pausesMs, advance } = anAdmission();
  const first = await admission.enter(NOBODY);
  first.refuse("wrong password");
  advance(2000);
  const second = await admission.enter(NOBODY);
  second.admit();
  advance(PAUSE_AFTER_REFUSAL_MS);
  await admission.enter(NOBODY);

  assertEquals(pausesMs, [PAUSE_AFTER_REFUSAL_MS - 2000]);
});

Deno.test("Admission lets all go on side by side, when the network failed before it was known", async () => {
  const { admission } = anAdmission();
  const first = await admission.enter(NOBODY);
  const others = [admission.enter(NOBODY), admission.enter(NOBODY)];
  first.leaveUndecided();
  const attempts = await Promise.all(others);

  assert(attempts.every(({ isDecided }) => !isDecided));
});

Deno.test("an attempt can be refused after it was admitted, and then the next one has to wait", async () => {
  const { admission, pausesMs } = anAdmission();
  const first = await admission.enter(NOBODY);
  first.admit();
  assertEquals(first.refusal, null);
  const refusal = first.refuse("the session has ended");
  assertEquals(first.refusal, refusal);
  await admission.enter(NOBODY);

  assertEquals(pausesMs, [PAUSE_AFTER_REFUSAL_MS]);
});

Deno.test("Admission makes whoever comes wait that has been told of a refusal elsewhere, until somebody is let in", async () => {
  const { admission, pausesMs } = anAdmission();
  assertEquals(admission.isRefused, false);
  admission.noteRefusal();
  assertEquals(admission.isRefused, true);
  const attempt = await admission.enter({ ...NOBODY, admitted: () => admission.noteAdmitted() });
  assertEquals(pausesMs, [PAUSE_AFTER_REFUSAL_MS]);
  attempt.admit();
  assertEquals(admission.isRefused, false);
});

function anAdmission() {
  let nowMs = 100_000;
  const pausesMs: number[] = [];
  const admission = new Admission({
    now: () => nowMs,
    sleep: (delayMs) => {
      pausesMs.push(delayMs);
      nowMs += delayMs;
      return Promise.resolve();
    },
  });
  return { admission, pausesMs, advance: (ms: number) => nowMs += ms };
}
