import { assertEquals, assertRejects } from "@std/assert";
import { eventRecord } from "../../../src/core/failures/first_failure.ts";
import type { Bytes, InboundEvent } from "../../../src/core/event.ts";
import { Delivery } from "../../../src/core/delivery.ts";
import { LeaseController } from "../../../src/core/lease.ts";
import { EventNotSettledError } from "../../../src/core/listener.ts";
import { listTo, redriveTo } from "../../../src/core/redrive/redrive_one.ts";
import { ResultProcessorError } from "../../../src/core/result_processor.ts";
import { deadLetter } from "../../support/dead_letter.ts";
import { anEvent, bytes } from "../../support/events.ts";
import { everythingSettled } from "../../support/eventually.ts";
import { FakeResultProcessor } from "../../support/fakes/result_processor.ts";
import { OpenPartition } from "../../support/kafka/open_partition.ts";
import { RecordedLog } from "../../support/recorded_log.ts";

const BACKOFF = { initialDelayMs: 1, maxDelayMs: 1, multiplier: 1 };

/** What the pipeline `orders` makes of an event of `ORDERS[2]`, standing at `DLQ[0]@3`. */
function aDeadLetter(
  { topic = "ORDERS", offset = 17, key = bytes("key") }: {
    topic?: string;
    offset?: number;
    key?: Bytes | null;
  } = {},
): InboundEvent {
  const letter = deadLetter(anEvent({ topic, partition: 2, offset, key }), {
    pipeline: "orders",
    failure: { reason: "status", status: "503", message: "status 503" },
    attempts: undefined,
  });
  return anEvent({ topic: "DLQ", offset: 3, ...letter });
}

function aRedrive({ failures = [] }: { failures?: readonly unknown[] } = {}) {
  const source = new FakeResultProcessor({ failures });
  const recorded = new RecordedLog();
  const open = new OpenPartition();
  const one = redriveTo({ source, log: recorded.log, backoff: BACKOFF });
  const redriveOne = (deadLetter: InboundEvent) => one(open.at(deadLetter.position, deadLetter));
  return { source, recorded, redriveOne, lease: open.lease };
}

Deno.test("redriveTo() stores the event's own record, and where it came from", async () => {
  const { source, redriveOne, recorded } = aRedrive();
  const letter = aDeadLetter();
  assertEquals(await redriveOne(letter), null);
  assertEquals(source.stored, [{
    key: bytes("key"),
    value: bytes("value"),
    headers: eventRecord(letter).headers,
    putBackTo: new Map([["topic", "ORDERS"], ["partition", "2"], ["offset", "17"]]),
  }]);
  assertEquals(recorded.lines, []);
});

Deno.test("redriveTo() refuses a dead letter that does not hold the value of its event", async () => {
  const { source, redriveOne } = aRedrive();
  const event = anEvent({
    value: new Uint8Array(),
    oversize: { bytes: 60_000_000, maxBytes: 8_388_608 },
  });
  const letter = deadLetter(event, {
    pipeline: "orders",
    failure: { reason: "eventTooLarge", message: "the event is too large" },
    attempts: undefined,
  });
  assertEquals(
    await redriveOne(anEvent({ topic: "DLQ", offset: 3, ...letter })),
    "DLQ[0]@3 does not hold the value of its event, which had 60000000 bytes, more than maxEventBytes " +
      "allowed; select other dead letters by --filter",
  );
  assertEquals(source.stored, []);
});

Deno.test("redriveTo() tries again until the record is stored", async () => {
  const away = new ResultProcessorError("topic 'ORDERS': away");
  const { source, redriveOne, recorded } = aRedrive({ failures: [away, away] });
  assertEquals(await redriveOne(aDeadLetter()), null);
  assertEquals([source.calls, source.stored.length], [3, 1]);
  assertEquals(
    recorded.matching(/cannot publish the event of DLQ\[0\]@3: topic 'ORDERS': away/).length,
    2,
  );
});

const TOO_LARGE = new ResultProcessorError("topic 'ORDERS': refused", { isTooLarge: true });

Deno.test("redriveTo() stores the event alone, and says so, when there is no room for more", async () => {
  const { source, redriveOne, recorded } = aRedrive({ failures: [TOO_LARGE] });
  assertEquals(await redriveOne(aDeadLetter()), null);
  const [{ key, value, headers } = {}, ...others] = source.stored;
  assertEquals({ key, value, headers }, { key: bytes("key"), value: bytes("value"), headers: [] });
  assertEquals(others, []);
  assertEquals(recorded.of("WARN"), [
    "the event of DLQ[0]@3 is put back without its idempotency key and its first failure, as its destination accepts no " +
    "larger record: the endpoint cannot recognize it",
  ]);
  assertEquals(recorded.of("ERROR"), []);
});

Deno.test("redriveTo() puts an event that failed again to where it stood last", async () => {
  const { source, redriveOne } = aRedrive();
  const redrivenOnce = anEvent({
    topic: "ORDERS",
    partition: 1,
    offset: 40,
    ...eventRecord(aDeadLetter()),
  });
  const letter = deadLetter(redrivenOnce, {
    pipeline: "orders",
    failure: { reason: "status", status: "503", message: "status 503" },
    attempts: undefined,
  });
  await redriveOne(anEvent({ topic: "DLQ", offset: 4, ...letter }));
  assertEquals(source.stored.map(({ putBackTo }) => putBackTo), [
    new Map([["topic", "ORDERS"], ["partition", "1"], ["offset", "40"]]),
  ]);
});

Deno.test("redriveTo() says what to do about a record that is too large", async () => {
  const { redriveOne } = aRedrive({ failures: [TOO_LARGE, TOO_LARGE] });
  assertEquals(
    await redriveOne(aDeadLetter()),
    "the event of DLQ[0]@3 is larger than its destination accepts: raise the limit",
  );
});

Deno.test("redriveTo() begins nothing while its lease is suspended, nor after it", async () => {
  const { source, redriveOne, lease } = aRedrive();
  lease.suspend();
  const waiting = assertRejects(() => redriveOne(aDeadLetter()), EventNotSettledError);
  await everythingSettled();
  assertEquals(source.calls, 0);
  lease.beginEnd();
  await waiting;
  assertEquals(source.calls, 0);
});

Deno.test("redriveTo() has work on a dead letter begin, so that a rebalance waits for it", async () => {
  const gate = Promise.withResolvers<void>();
  const source = new FakeResultProcessor({ gate: () => gate.promise });
  const delivery = new Delivery(aDeadLetter(), new LeaseController());
  const running = redriveTo({ source, log: new RecordedLog().log })(delivery);
  await everythingSettled();
  assertEquals(delivery.state, "calling");
  gate.resolve();
  await running;
});

Deno.test("listTo() shows where dead letters stand and why, in order, and nothing of the event", async () => {
  const printed: string[] = [];
  const list = listTo(async (text) => {
    await everythingSettled();
    printed.push(text);
  });
  const lease = new LeaseController();
  const deadLetters = [aDeadLetter(), anEvent({ topic: "DLQ", offset: 4 })];
  assertEquals(await Promise.all(deadLetters.map((letter) => list(new Delivery(letter, lease)))), [
    null,
    null,
  ]);
  const [first = "", second] = printed;
  assertEquals(
    first.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, "TIME"),
    "DLQ[0]@3 of topic ORDERS, partition 2, offset 17: reason status, status 503, attempts 1, redrives 0, first failed at TIME\n",
  );
  assertEquals(
    second,
    "DLQ[0]@4 of -: reason -, status -, attempts -, redrives -, first failed at -\n",
  );
});

Deno.test("listTo() shows no control characters", async () => {
  const printed: string[] = [];
  const letter = anEvent({ headers: [["eventor-dead-letter-reason", bytes("\x1b[2Jred\n")]] });
  const list = listTo((text) => Promise.resolve(void printed.push(text)));
  await list(new Delivery(letter, new LeaseController()));
  assertEquals(/\p{Cc}/u.test(printed.join("").trimEnd()), false, printed.join());
});
