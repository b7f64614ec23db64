import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import {
  type OutboundRecord,
  type ResultProcessor,
  ResultProcessorError,
} from "../../src/core/result_processor.ts";
import {
  comparable,
  hostileRecords,
  numberedRecords,
  type PlainRecord,
  type RecordCapabilities,
  textOf,
} from "./records.ts";

/** A place for records that is fresh for one test. */
export interface RecordStore extends AsyncDisposable {
  open(): Promise<ResultProcessor>;
  /** All records that it holds by now, in its order. */
  stored(): Promise<readonly PlainRecord[]>;
}

/** What a store can do. The contract asks nothing beyond that. */
export interface StoreCapabilities extends RecordCapabilities {
  /** A size that it refuses; absent where there is none. */
  readonly tooLargeBytes?: number;
}

const NEVER = new AbortController().signal;

/** What every result processor must do, whatever its transport. */
export function testResultProcessorContract(
  name: string,
  openStore: () => Promise<RecordStore>,
  capabilities: StoreCapabilities,
): void {
  function contract(
    rule: string,
    test: (store: RecordStore, processor: ResultProcessor) => Promise<void>,
  ): void {
    Deno.test(`${name} ${rule}`, async () => {
      await using store = await openStore();
      await using processor = await store.open();
      await test(store, processor);
    });
  }

  contract("stores keys, values and headers byte for byte", async (store, processor) => {
    const records = hostileRecords(capabilities);
    for (const record of records) await processor.process(record, NEVER);
    assertEquals(
      (await store.stored()).map((record) => comparable(record, capabilities)),
      records.map((record) => comparable(record, capabilities)),
    );
  });

  contract(
    "stores records of overlapping calls once, in the order of the calls, and says where",
    async (store, processor) => {
      const records = numberedRecords(500);
      const places = await Promise.all(records.map((record) => processor.process(record, NEVER)));
      assertEquals((await store.stored()).map(textOf), records.map(textOf));
      assertEquals(new Set(places.map((place) => JSON.stringify(place))).size, records.length);
    },
  );

  contract(
    "has stored what it says it has, when it is closed with calls under way",
    async (store, processor) => {
      const records = numberedRecords(500);
      const settled = Promise.allSettled(records.map((record) => processor.process(record, NEVER)));
      await processor[Symbol.asyncDispose]();
      const stored = new Set((await store.stored()).map(textOf));
      for (const [number, outcome] of (await settled).entries()) {
        if (outcome.status === "fulfilled") {
          assertEquals(
            stored.has(`${number}`),
            true,
            `${number}`,
          );
        } else assertInstanceOf(outcome.reason, ResultProcessorError);
      }
    },
  );

  const { tooLargeBytes } = capabilities;
  if (tooLargeBytes === undefined) return;

  contract(
    "refuses a record that is too large without showing it, and stores those beside it",
    async (store, processor) => {
      const secret = "SECRET".repeat(Math.ceil(tooLargeBytes / 6));
      const large: OutboundRecord = {
        key: null,
        value: new TextEncoder().encode(secret),
        headers: [],
      };
      const [before, after] = numberedRecords(2);
      const beside = Promise.all(
        [before!, after!].map((record) => processor.process(record, NEVER)),
      );
      const refused = assertRejects(() => processor.process(large, NEVER), ResultProcessorError);
      const { isTooLarge, message } = await refused;
      assertEquals({ isTooLarge, isShown: message.includes("SECRET") }, {
        isTooLarge: true,
        isShown: false,
      });
      await beside;
      assertEquals((await store.stored()).map(textOf), ["0", "1"]);
    },
  );
}
