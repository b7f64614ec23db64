import { assertEquals, assertNotEquals, assertRejects, assertStrictEquals } from "@std/assert";
import type { InboundEvent } from "../../src/core/event.ts";
import { type Lease, LeaseController } from "../../src/core/lease.ts";
import { EventNotSettledError, type Listener } from "../../src/core/listener.ts";
import type { ListenerPromises } from "../../src/core/transport.ts";
import { eventually, everythingSettled } from "../support/eventually.ts";
import {
  comparable,
  hostileRecords,
  numberedRecords,
  type PlainRecord,
  type RecordCapabilities,
  textOf,
} from "./records.ts";

/** A source of events that is fresh for one test, with what a listener needs to read it. */
export interface ListenerSource extends AsyncDisposable {
  /** Writes records to the source, all to one order, one after the other. */
  send(records: readonly PlainRecord[]): Promise<void>;
  /** Opens a listener; for a resumable one it goes on where the last one had settled everything. */
  open(): Promise<Listener>;
}

/** What a listener can do. The contract asks nothing beyond that. */
export interface ListenerCapabilities extends RecordCapabilities, ListenerPromises {
  /** Names of the facts of each event's origin. */
  readonly facts: readonly string[];
  /** How many events may be under way. */
  readonly maxUnsettled: number;
}

/** What every listener must do, whatever its transport. */
export function testListenerContract(
  name: string,
  openSource: () => Promise<ListenerSource>,
  capabilities: ListenerCapabilities,
): void {
  function contract(rule: string, test: (source: ListenerSource) => Promise<void>): void {
    Deno.test(`${name} ${rule}`, async () => {
      await using source = await openSource();
      await test(source);
    });
  }

  contract("hands over keys, values and headers byte for byte", async (source) => {
    const records = hostileRecords(capabilities);
    await source.send(records);
    await using run = await listenTo(source);
    await run.delivered(records.length);
    assertEquals(
      run.events.map((event) => comparable(event, capabilities)),
      records.map((record) => comparable(record, capabilities)),
    );
  });

  contract("says where events came from by the facts that its role names", async (source) => {
    await source.send(numberedRecords(2));
    await using run = await listenTo(source);
    await run.delivered(2);
    for (const { origin } of run.events) {
      assertEquals(origin.facts().map(([name]) => name), capabilities.facts);
    }
    const [first, second] = run.events.map(({ origin }) => origin);
    assertEquals([`${first}`, `${second}`].includes(""), false);
    const hasIds = capabilities.identifies;
    assertEquals(run.events.map(({ origin: { id } }) => id !== undefined), [hasIds, hasIds]);
    if (hasIds) assertNotEquals(first?.id, second?.id);
  });

  contract("has positions rise", async (source) => {
    await source.send(numberedRecords(3));
    await using run = await listenTo(source);
    await run.delivered(3);
    const positions = run.events.map(({ position }) => position);
    assertEquals(new Set(positions).size, 3);
    assertEquals(positions, positions.toSorted((one, other) => one - other));
  });

  contract("delivers in the order of the source", async (source) => {
    await source.send(numberedRecords(300));
    await using run = await listenTo(source);
    await run.delivered(300);
    assertEquals(run.values, Array.from({ length: 300 }, (_, number) => `${number}`));
  });

  contract("delivers what comes while it listens", async (source) => {
    await using run = await listenTo(source);
    for (const number of [0, 1, 2]) {
      await source.send(numberedRecords(1, number));
      await run.delivered(number + 1);
    }
    assertEquals(run.values, ["0", "1", "2"]);
  });

  contract("does not wait for one event before it delivers the next", async (source) => {
    await source.send(numberedRecords(3));
    await using run = await listenTo(source, (_, lease) => untilEnded(lease.ending));
    await run.delivered(3);
  });

  contract(
    "has no more events under way than it may, and goes on when one settles",
    async (source) => {
      const { maxUnsettled } = capabilities;
      const first = Promise.withResolvers<void>();
      await source.send(numberedRecords(maxUnsettled + 10));
      await using run = await listenTo(
        source,
        (event, lease) => textOf(event) === "0" ? first.promise : untilEnded(lease.ending),
      );
      await run.delivered(maxUnsettled);
      await everythingSettled();
      assertEquals(run.events.length, maxUnsettled);
      first.resolve();
      await run.delivered(maxUnsettled + 1);
    },
  );

  contract(
    "waits for what was delivered when its lease is ending, and delivers nothing more",
    async (source) => {
      await source.send(numberedRecords(2));
      const [settled, unsettled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      await using run = await listenTo(
        source,
        (event) => textOf(event) === "0" ? settled.promise : unsettled.promise,
      );
      await run.delivered(2);

      run.lease.beginEnd();
      await source.send(numberedRecords(1, 2));
      settled.resolve();
      await everythingSettled();
      assertEquals(run.hasEnded, false);

      unsettled.reject(new EventNotSettledError("The lease ended"));
      await run.listening;
      assertEquals(run.values, ["0", "1"]);
    },
  );

  contract("ends when its lease is ending while there is nothing to deliver", async (source) => {
    await source.send(numberedRecords(1));
    await using run = await listenTo(source);
    await run.delivered(1);
    await everythingSettled();
    run.lease.beginEnd();
    await run.listening;
  });

  contract("gives up what was delivered when its lease has ended", async (source) => {
    await source.send(numberedRecords(1));
    await using run = await listenTo(source, (_, lease) => untilEnded(lease.ended));
    await run.delivered(1);
    run.lease.end();
    await run.listening;
  });

  contract("cannot go on when deliver fails, and delivers nothing more", async (source) => {
    const defect = new TypeError("a defect");
    await source.send(numberedRecords(2));
    const failing = Promise.withResolvers<void>();
    await using run = await listenTo(
      source,
      (event) => textOf(event) === "0" ? failing.promise : Promise.resolve(),
    );
    await run.delivered(2);
    failing.reject(defect);
    assertStrictEquals(await assertRejects(() => run.listening), defect);
    await source.send(numberedRecords(1, 2));
    await everythingSettled();
    assertEquals(run.values, ["0", "1"]);
  });

  if (!capabilities.resumable) return;

  contract("does not deliver again what settled before it ended", async (source) => {
    await source.send(numberedRecords(3));
    {
      await using first = await listenTo(source);
      await first.delivered(3);
    }
    await source.send(numberedRecords(1, 3));
    await using second = await listenTo(source);
    await second.delivered(1);
    assertEquals(second.values, ["3"]);
  });

  contract("delivers again what had not settled when it ended", async (source) => {
    const { keepsOrder, identifies } = capabilities;
    await source.send(numberedRecords(4));
    const ids: (string | undefined)[] = [];
    {
      await using first = await listenTo(source, async (event, lease) => {
        if (textOf(event) !== "0") await untilEnded(lease.ending);
      });
      await first.delivered(4);
      ids.push(...first.events.map(({ origin: { id } }) => id).slice(1));
    }
    await using second = await listenTo(source);
    await second.delivered(3);
    assertEquals(keepsOrder ? second.values : second.values.toSorted(), ["1", "2", "3"]);
    const idsAgain = second.events.map(({ origin: { id } }) => id);
    if (identifies) assertEquals(idsAgain.toSorted(), ids.toSorted());
  });

  contract("loses no event among others that have settled", async (source) => {
    await source.send(numberedRecords(5));
    {
      await using first = await listenTo(source, async (event, lease) => {
        if (textOf(event) === "1") await untilEnded(lease.ending);
      });
      await first.delivered(5);
    }
    await source.send(numberedRecords(1, 5));
    const again = capabilities.acknowledges === "each" ? ["1", "5"] : ["1", "2", "3", "4", "5"];
    await using second = await listenTo(source);
    await second.delivered(again.length);
    assertEquals(capabilities.keepsOrder ? second.values : second.values.toSorted(), again);
  });
}

interface Run extends AsyncDisposable {
  readonly events: readonly InboundEvent[];
  readonly values: readonly string[];
  readonly lease: LeaseController;
  readonly listening: Promise<void>;
  readonly hasEnded: boolean;
  delivered(count: number): Promise<void>;
}

async function listenTo(
  source: ListenerSource,
  handle: (event: InboundEvent, lease: Lease) => Promise<void> = () => Promise.resolve(),
): Promise<Run> {
  const events: InboundEvent[] = [];
  const lease = new LeaseController();
  const listener = await source.open();
  let hasEnded = false;
  const listening = listener.listen(({ event, lease }) => {
    events.push(event);
    return handle(event, lease);
  }, lease).finally(() => hasEnded = true);
  listening.catch(() => {});
  return {
    events,
    lease,
    listening,
    get values() {
      return events.map(textOf);
    },
    get hasEnded() {
      return hasEnded;
    },
    delivered: (count) =>
      eventually(() => events.length >= count, {
        deadlineMs: 30_000,
        what: () => `${count} events, found ${events.length}`,
      }),
    async [Symbol.asyncDispose]() {
      lease.beginEnd();
      await listening.catch(() => {});
      await listener[Symbol.asyncDispose]();
    },
  };
}

async function untilEnded(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  throw new EventNotSettledError("The lease ended");
}
