import { assertEquals } from "@std/assert";
import { batch, fetch, type Fetched, handedOn } from "../../../support/kafka/fetch_responses.ts";
import { concat, markerBytes } from "../../../support/kafka/record_bytes.ts";

const CASES: { name: string; fetched: Fetched; values: string[]; lastOffset: number }[] = [
  {
    name: "began before what was fetched, and others with it",
    fetched: {
      aborted: [{ producerId: 1, firstOffset: 3 }, { producerId: 2, firstOffset: 4 }],
      records: concat(
        inTransaction("aborted", { offset: 10, producerId: 2 }),
        inTransaction("aborted", { offset: 11, producerId: 1 }),
        end({ offset: 12, producerId: 1, isAbort: true }),
        end({ offset: 13, producerId: 2, isAbort: true }),
      ),
    },
    values: [],
    lastOffset: 13,
  },
  {
    name: "ended after others that began later, in which order brokers name them",
    fetched: {
      aborted: [{ producerId: 1, firstOffset: 11 }, { producerId: 2, firstOffset: 10 }],
      records: concat(
        inTransaction("aborted", { offset: 10, producerId: 2 }),
        inTransaction("aborted", { offset: 11, producerId: 1 }),
        end({ offset: 12, producerId: 1, isAbort: true }),
        inTransaction("aborted", { offset: 13, producerId: 2 }),
        end({ offset: 14, producerId: 2, isAbort: true }),
        inTransaction("committed", { offset: 15, producerId: 2 }),
      ),
    },
    values: ["15 committed"],
    lastOffset: 15,
  },
  {
    name: "has nothing but its end in what was fetched, and its producer went on",
    fetched: {
      aborted: [{ producerId: 2, firstOffset: 4 }, { producerId: 1, firstOffset: 3 }],
      records: concat(
        end({ offset: 10, producerId: 2, isAbort: true }),
        inTransaction("committed", { offset: 11, producerId: 2 }),
        inTransaction("aborted", { offset: 12, producerId: 1 }),
        end({ offset: 13, producerId: 1, isAbort: true }),
      ),
    },
    values: ["11 committed"],
    lastOffset: 13,
  },
];

for (const { name, fetched, values, lastOffset } of CASES) {
  Deno.test(`a partition is handed exactly what was committed, when a transaction was aborted that ${name}`, async () => {
    const [partition] = await fetch(fetched);
    assertEquals(await handedOn(partition, 10), { values, lastOffset });
  });
}

function inTransaction(
  value: string,
  { offset, producerId }: { offset: number; producerId: number },
): Uint8Array {
  return batch(value, { baseOffset: offset, producerId, attributes: 0x10 });
}

function end(marker: { offset: number; producerId: number; isAbort: boolean }): Uint8Array {
  return markerBytes(marker);
}
