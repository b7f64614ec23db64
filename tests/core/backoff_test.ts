import { assertEquals } from "@std/assert";
import {
  aborted,
  type Backoff,
  backoffDelays,
  formatDelay,
  sleep,
} from "../../src/core/backoff.ts";
import { everythingSettled } from "../support/eventually.ts";

/** Longer than any test. */
const FOREVER_MS = 2 ** 31 - 1;

const CEILINGS: { what: string; backoff?: Backoff; ceilingsMs: number[] }[] = [
  {
    what: "doubling from half a second up to half a minute, when nothing else is said",
    ceilingsMs: [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000],
  },
  {
    what: "growing by its multiplier",
    backoff: { initialDelayMs: 10, maxDelayMs: 100, multiplier: 3 },
    ceilingsMs: [10, 30, 90, 100, 100],
  },
  {
    what: "staying as it is, when its multiplier is 1",
    backoff: { initialDelayMs: 10, maxDelayMs: 100, multiplier: 1 },
    ceilingsMs: [10, 10, 10],
  },
  {
    what: "never above its maximum, when it starts above it",
    backoff: { initialDelayMs: 500, maxDelayMs: 100, multiplier: 2 },
    ceilingsMs: [100, 100],
  },
];

for (const { what, backoff, ceilingsMs } of CEILINGS) {
  Deno.test(`backoffDelays() yields delays with a ceiling ${what}`, () => {
    assertEquals(take(ceilingsMs.length, backoffDelays(backoff, () => 1)), ceilingsMs);
  });
}

Deno.test("backoffDelays() spreads each delay from zero to its ceiling", () => {
  assertEquals(take(3, backoffDelays(undefined, () => 0)), [0, 0, 0]);
  assertEquals(take(3, backoffDelays(undefined, () => 0.5)), [250, 500, 1000]);
});

Deno.test("backoffDelays() yields whole milliseconds that stay within bounds after a thousand failures", () => {
  const delays = take(1000, backoffDelays());
  assertEquals(
    delays.filter((delay) => !Number.isInteger(delay) || delay < 0 || delay > 30_000),
    [],
  );
});

Deno.test("sleep() resolves after its delay", async () => {
  const startedAt = performance.now();
  await sleep(5, new AbortController().signal);
  assertEquals(performance.now() - startedAt >= 4, true);
});

Deno.test("sleep() resolves at once, when the signal aborts", async () => {
  const controller = new AbortController();
  const slept = sleep(FOREVER_MS, controller.signal);
  controller.abort();
  await slept;
});

Deno.test("sleep() resolves at once, when the signal was aborted before", async () => {
  await sleep(FOREVER_MS, AbortSignal.abort());
});

Deno.test("sleep() does not resolve before one of the two", async () => {
  const controller = new AbortController();
  let isAwake = false;
  const slept = sleep(FOREVER_MS, controller.signal).then(() => isAwake = true);
  await everythingSettled();
  assertEquals(isAwake, false);
  controller.abort();
  await slept;
});

Deno.test("sleep() leaves nothing behind at a signal that lives on", async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const [add, remove] = [signal.addEventListener, signal.removeEventListener];
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove.apply(signal, args);
  };

  await sleep(1, signal);

  assertEquals(listeners, 0);
});

Deno.test("aborted() resolves when the signal aborts, not earlier", async () => {
  const controller = new AbortController();
  let isAborted = false;
  const done = aborted(controller.signal).then(() => isAborted = true);
  await everythingSettled();
  assertEquals(isAborted, false);
  controller.abort();
  await done;
});

Deno.test("aborted() resolves at once, when the signal was aborted before", async () => {
  await aborted(AbortSignal.abort());
});

Deno.test("formatDelay() shows seconds with one decimal", () => {
  assertEquals([0, 49, 500, 1500, 30_000].map(formatDelay), [
    "0.0 s",
    "0.0 s",
    "0.5 s",
    "1.5 s",
    "30.0 s",
  ]);
});

function take<Item>(count: number, items: Iterator<Item>): Item[] {
  return Array.from({ length: count }, () => items.next().value);
}
