import { assertEquals, assertInstanceOf } from "@std/assert";
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import { patchKafkajs } from "../../../../src/transports/kafka/kafkajs/mod.ts";
import { FakeTimers } from "../../../support/fakes/timers.ts";

const THROTTLE_MS = 3000;

patchKafkajs();

/** The requests of a connection, which may have two under way, at a time that the test sets. */
class Requests implements Disposable {
  nowMs = 1_000_000;
  readonly sent: number[] = [];
  readonly warned: string[] = [];
  readonly rejected: unknown[] = [];
  readonly timers = new FakeTimers();
  readonly queue = new RequestQueue({
    maxInFlightRequests: 2,
    requestTimeout: 30_000,
    enforceRequestTimeout: false,
    clientId: "client",
    broker: "broker:9092",
    logger: {
      debug() {},
      warn: (message: string, { broker }: { broker: string }) =>
        this.warned.push(`${message}, ${broker}`),
    },
  });
  readonly #now = Date.now;

  constructor() {
    Date.now = () => this.nowMs;
  }

  push(...numbers: readonly number[]): void {
    for (const correlationId of numbers) {
      this.queue.push({
        entry: {
          correlationId,
          resolve() {},
          reject: (error: unknown) => this.rejected.push(error),
        },
        expectResponse: true,
        sendRequest: () => this.sent.push(correlationId),
      });
    }
  }

  answer(...numbers: readonly number[]): void {
    for (const correlationId of numbers) {
      this.queue.fulfillRequest({ correlationId, size: 0, payload: null });
    }
  }

  /** Whether it looks for requests later on, by whichever kind of timer. */
  get isWaiting(): boolean {
    return this.queue.throttleCheckTimeoutId !== null;
  }

  [Symbol.dispose](): void {
    this.queue.destroy();
    this.timers[Symbol.dispose]();
    Date.now = this.#now;
  }
}

Deno.test("a connection to a broker has no timer while all its requests are sent, answered or not", () => {
  using requests = new Requests();
  requests.push(1, 2);
  assertEquals([requests.sent, requests.isWaiting], [[1, 2], false]);

  requests.answer(1, 2);
  assertEquals([requests.isWaiting, requests.timers.count], [false, 0]);
});

Deno.test("a connection to a broker sends in order what came while it was throttled, when that ends", () => {
  using requests = new Requests();
  requests.queue.maybeThrottle(THROTTLE_MS);
  requests.push(1, 2);
  assertEquals([requests.sent, requests.timers.delaysMs], [[], [THROTTLE_MS]]);

  requests.nowMs += THROTTLE_MS;
  requests.timers.fire(0);
  assertEquals([requests.sent, requests.isWaiting], [[1, 2], false]);
});

Deno.test("a connection to a broker waits for the rest when it is throttled for longer meanwhile", () => {
  using requests = new Requests();
  requests.queue.maybeThrottle(THROTTLE_MS);
  requests.push(1);
  requests.nowMs += THROTTLE_MS;
  requests.queue.maybeThrottle(500);
  requests.timers.fire(0);
  assertEquals([requests.sent, requests.timers.delaysMs], [[], [500]]);

  requests.nowMs += 500;
  requests.timers.fire(0);
  assertEquals([requests.sent, requests.isWaiting], [[1], false]);
});

Deno.test("a connection to a broker is throttled without a timer while there is nothing to send", () => {
  using requests = new Requests();
  requests.push(1);
  requests.queue.maybeThrottle(THROTTLE_MS);
  requests.answer(1);
  assertEquals([requests.isWaiting, requests.timers.count], [false, 0]);
});

Deno.test("a connection to a broker is throttled for five minutes at most, and says what takes long", () => {
  using requests = new Requests();
  for (const throttleMs of [null, 0, -5]) requests.queue.maybeThrottle(throttleMs);
  requests.push(1);
  assertEquals(requests.sent, [1]);

  requests.queue.maybeThrottle(4999);
  assertEquals(requests.warned, []);
  requests.queue.maybeThrottle(2 ** 31 - 1);
  assertEquals(requests.warned, ["Throttled for 300000 ms, broker:9092"]);

  requests.nowMs += 299_999;
  requests.push(2);
  assertEquals(requests.sent, [1]);
  requests.nowMs += 1;
  requests.push(3);
  assertEquals(requests.sent, [1, 3]);
});

Deno.test("a connection to a broker sends what waits for answers at the next one, and then has no timer for long", () => {
  using requests = new Requests();
  requests.push(1, 2, 3, 4);
  assertEquals(requests.sent, [1, 2]);
  requests.answer(1);
  assertEquals(requests.sent, [1, 2, 3]);
  requests.answer(3, 2);
  assertEquals(requests.sent, [1, 2, 3, 4]);

  requests.timers.fire(0);
  assertEquals([requests.isWaiting, requests.timers.count], [false, 0]);
});

Deno.test("a connection to a broker that has been lost has no timer for long, though requests waited", () => {
  using requests = new Requests();
  requests.queue.maybeThrottle(THROTTLE_MS);
  requests.push(1);
  requests.queue.rejectAll(new Error("closed"));
  assertInstanceOf(requests.rejected[0], Error);

  requests.timers.fire(0);
  assertEquals([requests.sent, requests.isWaiting, requests.timers.count], [[], false, 0]);
});

Deno.test("a connection to a broker looks for late requests once a second at most, and while it is open", () => {
  using requests = new Requests();
  const { queue } = requests;
  const setIntervalOfRuntime = globalThis.setInterval;
  const intervals: { check: () => void; everyMs: number | undefined }[] = [];
  globalThis.setInterval = ((check: () => void, everyMs?: number) => {
    intervals.push({ check, everyMs });
    return 1;
  }) as typeof setInterval;
  try {
    for (const requestTimeout of [60_000, 2000, 100]) {
      Object.assign(queue, { requestTimeout }).scheduleRequestTimeoutCheck();
    }
  } finally {
    globalThis.setInterval = setIntervalOfRuntime;
  }
  assertEquals(intervals.map(({ everyMs }) => everyMs), [1000, 100, 10]);

  requests.push(1);
  requests.nowMs += 100;
  intervals[0]?.check();
  assertEquals(requests.rejected, []);
  requests.nowMs += 1;
  intervals[0]?.check();
  assertEquals(requests.rejected.map((error) => Object(error).name), [
    "KafkaJSRequestTimeoutError",
  ]);

  let hasEnded = false;
  Object.assign(queue, { isConnected: () => false, destroy: () => hasEnded = true });
  intervals[0]?.check();
  assertEquals(hasEnded, true);
});
