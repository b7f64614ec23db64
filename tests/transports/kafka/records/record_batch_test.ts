import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import Compression from "kafkajs/src/protocol/message/compression/index.js";
import RecordCodec from "kafkajs/src/protocol/recordBatch/record/v0/index.js";
import RecordBatchCodec from "kafkajs/src/protocol/recordBatch/v0/index.js";
import {
  codecOf,
  decompress,
} from "../../../../src/transports/kafka/records/compression/codecs.ts";
import { compressSnappy } from "../../../../src/transports/kafka/records/compression/snappy.ts";
import {
  type FetchedRecord,
  type FetchedRecords,
  type OpenOptions,
  RecordBatch,
} from "../../../../src/transports/kafka/records/record_batch.ts";
import { bytes } from "../../../support/events.ts";
import {
  batchBytes,
  type BatchFields,
  markerBytes,
  recordBytes,
} from "../../../support/kafka/record_bytes.ts";
import { seededRandom } from "../../../support/seeded_random.ts";

const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const MUTATIONS = 2000;

/** Those that kafkajs can write here; the others are in `opened_batch_test.ts`. */
const CODECS: Record<string, number> = { none: 0, gzip: 1, snappy: 2 };

Compression.Codecs[2] = () => ({
  compress: ({ buffer }: { buffer: Buffer<ArrayBuffer> }) => Buffer.from(compressSnappy(buffer)),
  decompress: async (bytes: Buffer<ArrayBuffer>) =>
    Buffer.from(await decompress(codecOf(2)!, bytes, 100_000)),
});

for (const [name, compression] of Object.entries(CODECS)) {
  Deno.test(`RecordBatch reads what kafkajs writes with the codec ${name}`, async () => {
    const batch = new RecordBatch(await kafkajsBatch({ compression }));
    assertEquals(await recordsOf(batch), [
      {
        offset: 1000,
        timestampMs: 1652708532000,
        key: bytes("key"),
        value: bytes("value"),
        headers: [["a", bytes("1")], ["b", bytes("2")], ["b", bytes("3")]],
      },
      { offset: 1001, timestampMs: 1652708532007, key: null, value: bytes(""), headers: [] },
      { offset: 1002, timestampMs: 1652708532001, key: bytes(""), value: null, headers: [] },
    ]);
    assertEquals(batch.lastOffset, 1002);
  });
}

Deno.test("RecordBatch has the offsets that its records had, when others were compacted away", async () => {
  const batch = new RecordBatch(
    batchBytes([2, 3, 9].map((offsetDelta) => recordBytes({ offsetDelta })), {
      baseOffset: 2 ** 40,
      lastOffsetDelta: 12,
    }),
  );
  assertEquals((await recordsOf(batch)).map(({ offset }) => offset - 2 ** 40), [2, 3, 9]);
  assertEquals(batch.lastOffset, 2 ** 40 + 12);
});

Deno.test("RecordBatch has no records, when all were compacted away", async () => {
  const batch = new RecordBatch(batchBytes([], { baseOffset: 7, lastOffsetDelta: 4 }));
  assertEquals(await recordsOf(batch), []);
  assertEquals(batch.lastOffset, 11);
});

Deno.test("RecordBatch tells when records were made, or appended if the topic says so", async (t) => {
  const cases: { what: string; fields: BatchFields; deltas: number[]; times: number[] }[] = [
    {
      what: "later and earlier than the first",
      fields: { baseTimestampMs: 1652708532000, maxTimestampMs: 1652708532009 },
      deltas: [0, 9, -5, 2 ** 40],
      times: [1652708532000, 1652708532009, 1652708531995, 1652708532000 + 2 ** 40],
    },
    {
      what: "before 1970, or at no known time",
      fields: { baseTimestampMs: -1, maxTimestampMs: 4 },
      deltas: [0, 5, -999],
      times: [-1, 4, -1000],
    },
    {
      what: "appended",
      fields: {
        baseTimestampMs: 1652708532000,
        maxTimestampMs: 1752708532000,
        attributes: LOG_APPEND_TIME,
      },
      deltas: [0, 9],
      times: [1752708532000, 1752708532000],
    },
  ];
  for (const { what, fields, deltas, times } of cases) {
    await t.step(what, async () => {
      const records = deltas.map((timestampDeltaMs, offsetDelta) =>
        recordBytes({ offsetDelta, timestampDeltaMs })
      );
      const read = await recordsOf(new RecordBatch(batchBytes(records, fields)));
      assertEquals(read.map(({ timestampMs }) => timestampMs), times);
    });
  }
});

Deno.test("RecordBatch says whose transaction it belongs to", () => {
  const batch = batchBytes([recordBytes()], { attributes: TRANSACTIONAL, producerId: 2 ** 40 });
  const { isSkipped, isAbort, isTransactional, producerId } = new RecordBatch(batch);
  assertEquals({ isSkipped, isAbort, isTransactional, producerId }, {
    isSkipped: false,
    isAbort: false,
    isTransactional: true,
    producerId: 2 ** 40,
  });
});

Deno.test("RecordBatch takes no event for a mark of an abort", () => {
  const key = Uint8Array.of(0, 0, 0, 0);
  assertEquals(new RecordBatch(batchBytes([recordBytes({ key })])).isAbort, false);
});

Deno.test("RecordBatch says how a transaction ended", async (t) => {
  for (const isAbort of [true, false]) {
    await t.step(isAbort ? "by an abort" : "by a commit", () => {
      const marker = new RecordBatch(markerBytes({ offset: 9, producerId: 7, isAbort }));
      assertEquals([marker.isSkipped, marker.isAbort, marker.producerId, marker.lastOffset], [
        true,
        isAbort,
        7,
        9,
      ]);
    });
  }
});

Deno.test("RecordBatch takes as much memory as its bytes, before it is opened", () => {
  const batch = batchBytes([recordBytes({ value: new Uint8Array(1000) })]);
  assertEquals(new RecordBatch(batch).sizeInBytes, batch.length);
});

Deno.test("RecordBatch decodes records as they are asked for", async () => {
  const records = [recordBytes(), recordBytes({ offsetDelta: 1 }), Uint8Array.of(0)];
  const opened = await new RecordBatch(batchBytes(records)).open();
  assertEquals([opened.next().value?.offset, opened.next().value?.offset], [0, 1]);
  assertThrows(() => opened.next(), RangeError);
});

Deno.test("RecordBatch can be opened more than once", async () => {
  const batch = new RecordBatch(batchBytes([recordBytes()]));
  assertEquals(await recordsOf(batch), await recordsOf(batch));
});

Deno.test("RecordBatch throws when read, wherever its records are cut off", async () => {
  const whole = batchBytes([recordBytes({ value: bytes("value") }), recordBytes()]);
  for (let length = 61; length < whole.length; length++) {
    await assertRejects(() => recordsOf(new RecordBatch(whole.subarray(0, length))), RangeError);
  }
});

Deno.test("RecordBatch throws when read, when what was compressed is damaged", async (t) => {
  for (const [name, compression] of Object.entries(CODECS)) {
    if (compression === 0) continue;
    await t.step(name, async () => {
      const batch = batchBytes([bytes("not compressed at all")], { attributes: compression });
      await assertRejects(() => recordsOf(new RecordBatch(batch)), Error, "cannot decompress");
    });
  }
});

for (const [name, compression] of Object.entries(CODECS)) {
  Deno.test(`RecordBatch ends with an error or at its last record, however it is damaged: ${name}`, async () => {
    const random = seededRandom(compression);
    const below = (limit: number) => Math.floor(random() * limit);
    const whole = await kafkajsBatch({ compression });
    let damagedCount = 0;
    for (let seed = 0; seed < MUTATIONS; seed++) {
      const damaged = Buffer.from(whole);
      for (let changes = 1 + below(4); changes > 0; changes--) {
        damaged[below(damaged.length)] = below(256);
      }
      try {
        const records = await recordsOf(new RecordBatch(damaged));
        for (const { offset, timestampMs } of records) {
          assert(Number.isFinite(offset) && Number.isFinite(timestampMs), `mutation ${seed}`);
        }
      } catch (error) {
        assert(error instanceof Error && error.name !== "AssertionError", `${error}`);
        damagedCount++;
      }
    }
    assert(damagedCount > MUTATIONS / 10, `only ${damagedCount} were found to be damaged`);
  });
}

async function recordsOf(batch: FetchedRecords, options?: OpenOptions): Promise<FetchedRecord[]> {
  const records: FetchedRecord[] = [];
  const opened = await batch.open(options);
  do {
    for (let next = opened.next(); next.done !== true; next = opened.next()) {
      records.push(next.value);
      next.value.held?.release();
    }
  } while (await opened.inflate?.());
  return records.map(({ key, value, headers, held: _held, ...rest }) => ({
    ...rest,
    key: plain(key),
    value: plain(value),
    headers: headers.map(([name, value]) => [name, plain(value)]),
  }));
}

/** A Buffer and the same bytes are not equal for `assertEquals()`. */
function plain<Value extends Uint8Array<ArrayBuffer> | null>(bytes: Value) {
  return bytes && new Uint8Array(bytes);
}

/** Three records as kafkajs itself writes them. */
async function kafkajsBatch(
  { compression }: { compression: number },
): Promise<Buffer<ArrayBuffer>> {
  const records = [
    RecordCodec({
      offsetDelta: 0,
      timestampDelta: 0,
      key: Buffer.from("key"),
      value: Buffer.from("value"),
      headers: { a: Buffer.from("1"), b: [Buffer.from("2"), Buffer.from("3")] },
    }),
    RecordCodec({ offsetDelta: 1, timestampDelta: 7, key: null, value: Buffer.alloc(0) }),
    RecordCodec({ offsetDelta: 2, timestampDelta: 1, key: Buffer.alloc(0), value: null }),
  ];
  const batch = await RecordBatchCodec.RecordBatch({
    compression,
    firstOffset: 1000,
    firstTimestamp: 1652708532000,
    maxTimestamp: 1652708532007,
    lastOffsetDelta: 2,
    records,
  });
  return batch.buffer;
}
