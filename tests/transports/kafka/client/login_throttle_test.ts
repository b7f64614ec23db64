import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  BrokerRefusedError,
  type LoginObserver,
  LoginThrottle,
} from "../../../../src/transports/kafka/client/login_throttle.ts";
import { PAUSE_AFTER_REFUSAL_MS } from "../../../../src/core/access_refused.ts";
import { everythingSettled } from "../../../support/eventually.ts";

const NOBODY: LoginObserver = { accepted() {}, refused() {} };

Deno.test("LoginThrottle lets one connection try at a time", async () => {
  const { throttle } = aThrottle();
  const first = await throttle.enter(NOBODY);
  let hasEntered = false;
  const second = throttle.enter(NOBODY).then((attempt) => {
    hasEntered = true;
    return attempt;
  });
  await everythingSettled();
  assertEquals(hasEntered, false);

  first.accept();
  const attempt = await second;
  assertEquals([attempt.isDecided, attempt.refusal], [false, null]);
});

Deno.test("LoginThrottle shares a refusal with those that waited for it, and each is told", async () => {
  const { throttle } = aThrottle();
  const told: string[] = [];
  const observer = { accepted() {}, refused: ({ message }: Error) => told.push(message) };
  const first = await throttle.enter(observer);
  const others = [throttle.enter(observer), throttle.enter(observer)];
  first.refuse("wrong password");

  for (const other of others) {
    await assertRejects(() => other, BrokerRefusedError, "wrong password");
  }
  assertEquals(told, ["wrong password", "wrong password", "wrong password"]);
});

Deno.test("LoginThrottle makes whoever comes after a refusal wait, and only once for all", async () => {
  const { throttle, pausesMs, advance } = aThrottle();
  const first = await throttle.enter(NOBODY);
  first.refuse("wrong password");
  advance(2000);
  const second = await throttle.enter(NOBODY);
  second.accept();
  advance(PAUSE_AFTER_REFUSAL_MS);
  await throttle.enter(NOBODY);

  assertEquals(pausesMs, [PAUSE_AFTER_REFUSAL_MS - 2000]);
});

Deno.test("LoginThrottle lets all go on side by side, when the network failed before it was known", async () => {
  const { throttle } = aThrottle();
  const first = await throttle.enter(NOBODY);
  const others = [throttle.enter(NOBODY), throttle.enter(NOBODY)];
  first.leaveUndecided();
  const attempts = await Promise.all(others);

  assert(attempts.every(({ isDecided }) => !isDecided));
});

Deno.test("an attempt can be refused after it was accepted, and then the next one has to wait", async () => {
  const { throttle, pausesMs } = aThrottle();
  const first = await throttle.enter(NOBODY);
  first.accept();
  assertEquals(first.refusal, null);
  const refusal = first.refuse("the session has ended");
  assertEquals(first.refusal, refusal);
  await throttle.enter(NOBODY);

  assertEquals(pausesMs, [PAUSE_AFTER_REFUSAL_MS]);
});

Deno.test("LoginThrottle makes whoever comes wait that has been told of a refusal elsewhere, until somebody is let in", async () => {
  const { throttle, pausesMs } = aThrottle();
  assertEquals(throttle.isRefused, false);
  throttle.noteRefusal();
  assertEquals(throttle.isRefused, true);
  const attempt = await throttle.enter({ ...NOBODY, accepted: () => throttle.noteAccepted() });
  assertEquals(pausesMs, [PAUSE_AFTER_REFUSAL_MS]);
  attempt.accept();
  assertEquals(throttle.isRefused, false);
});

function aThrottle() {
  let nowMs = 100_000;
  const pausesMs: number[] = [];
  const throttle = new LoginThrottle({
    now: () => nowMs,
    sleep: (delayMs) => {
      pausesMs.push(delayMs);
      nowMs += delayMs;
      return Promise.resolve();
    },
  });
  return { throttle, pausesMs, advance: (ms: number) => nowMs += ms };
}
