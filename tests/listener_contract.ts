import { assertEquals, assertRejects } from "@std/assert";
import type { InboundEvent, RecordHeader } from "../src/core/event.ts";
import { LeaseController } from "../src/core/lease.ts";
import { type Deliver, EventNotSettledError, type Listener } from "../src/core/listener.ts";
import { eventually } from "./support/eventually.ts";

/** A source of events that is fresh for one test, with what a listener needs to read it. */
export interface ListenerSource extends AsyncDisposable {
  /** Writes records to the source, all to one partition, in order. */
  send(records: readonly SourceRecord[]): Promise<void>;
  /** Opens a listener; for a resumable one it goes on where the last one had settled everything. */
  open(): Promise<Listener>;
}

/** A record as it is written to a source. */
export interface SourceRecord {
  readonly key: Uint8Array<ArrayBuffer> | null;
  readonly value: Uint8Array<ArrayBuffer> | null;
  readonly headers: readonly RecordHeader[];
}

/** What every listener must do, whatever its transport. */
export function testListenerContract(
  name: string,
  { openSource, resumable }: { openSource: () => Promise<ListenerSource>; resumable: boolean },
): void {
  function contract(rule: string, test: (source: ListenerSource) => Promise<void>): void {
    Deno.test(`${name} ${rule}`, async () => {
      await using source = await openSource();
      await test(source);
    });
  }

  contract("hands over keys, values and headers byte for byte", async (source) => {
    const allBytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const records: SourceRecord[] = [
      { key: allBytes, value: allBytes, headers: [["bytes", allBytes]] },
      { key: null, value: new Uint8Array(), headers: [] },
      {
        key: new Uint8Array(),
        value: null,
        headers: [["null", null], ["empty", new Uint8Array()]],
      },
      {
        key: text("k"),
        value: text("v"),
        headers: [
          ["constructor", text("1")],
          ["repeated", text("2")],
          ["__proto__", text("3")],
          ["7", text("4")],
          ["repeated", text("5")],
          ["", text("6")],
        ],
      },
    ];
    await source.send(records);
    await using run = await listenTo(source);
    await run.delivered(records.length);
    assertEquals(
      run.events.map(({ key, value, headers }) => ({
        key: plain(key),
        value: plain(value),
        headers: headers.map(([name, value]) => [name, plain(value)]),
      })),
      records,
    );
  });

  contract("delivers in the order of the source", async (source) => {
    await source.send(numbered(300));
    await using run = await listenTo(source);
    await run.delivered(300);
    assertEquals(run.values(), Array.from({ length: 300 }, (_, number) => `${number}`));
  });

  contract("does not wait for one event before it delivers the next", async (source) => {
    await source.send(numbered(3));
    await using run = await listenTo(source, (_, lease) => untilEnded(lease.ending));
    await run.delivered(3);
  });

  contract("waits for what was delivered when its lease is ending", async (source) => {
    await source.send(numbered(1));
    const release = Promise.withResolvers<void>();
    await using run = await listenTo(source, () => release.promise);
    await run.delivered(1);
    run.lease.beginEnd();
    let ended = false;
    run.listening.then(() => ended = true);
    await Promise.resolve();
    assertEquals(ended, false);
    release.resolve();
    await run.listening;
  });

  contract("gives up what was delivered when its lease has ended", async (source) => {
    await source.send(numbered(1));
    await using run = await listenTo(source, (_, lease) => untilEnded(lease.ended));
    await run.delivered(1);
    run.lease.end();
    await run.listening;
  });

  contract("cannot go on when deliver fails", async (source) => {
    await source.send(numbered(1));
    await using run = await listenTo(source, () => Promise.reject(new TypeError("a defect")));
    await assertRejects(() => run.listening, TypeError, "a defect");
  });

  if (!resumable) return;

  contract("does not deliver again what settled before it ended", async (source) => {
    await source.send(numbered(3));
    {
      await using first = await listenTo(source);
      await first.delivered(3);
    }
    await source.send(numbered(1, 3));
    await using second = await listenTo(source);
    await second.delivered(1);
    assertEquals(second.values(), ["3"]);
  });

  contract("delivers again what had not settled when it ended", async (source) => {
    await source.send(numbered(3));
    {
      await using first = await listenTo(source, async ({ origin }, lease) => {
        if (origin.offset > 0) await untilEnded(lease.ending);
      });
      await first.delivered(3);
    }
    await using second = await listenTo(source);
    await second.delivered(2);
    assertEquals(second.values(), ["1", "2"]);
  });

  contract("never commits past an event that has not settled", async (source) => {
    await source.send(numbered(5));
    {
      await using first = await listenTo(source, async ({ origin }, lease) => {
        if (origin.offset === 1) await untilEnded(lease.ending);
      });
      await first.delivered(5);
    }
    await using second = await listenTo(source);
    await second.delivered(4);
    assertEquals(second.values(), ["1", "2", "3", "4"]);
  });
}

interface Run extends AsyncDisposable {
  readonly events: readonly InboundEvent[];
  readonly lease: LeaseController;
  readonly listening: Promise<void>;
  values(): string[];
  delivered(count: number): Promise<void>;
}

async function listenTo(
  source: ListenerSource,
  deliver: Deliver = () => Promise.resolve(),
): Promise<Run> {
  const events: InboundEvent[] = [];
  const lease = new LeaseController();
  const listener = await source.open();
  const listening = listener.listen((event, eventLease) => {
    events.push(event);
    return deliver(event, eventLease);
  }, lease);
  listening.catch(() => {});
  return {
    events,
    lease,
    listening,
    values: () => events.map(({ value }) => new TextDecoder().decode(value ?? undefined)),
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

function numbered(count: number, from = 0): SourceRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    key: null,
    value: text(`${from + index}`),
    headers: [],
  }));
}

function text(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(value);
}

/** A listener may hand over any kind of Uint8Array. */
function plain(bytes: Uint8Array<ArrayBuffer> | null): Uint8Array<ArrayBuffer> | null {
  return bytes && new Uint8Array(bytes);
}
