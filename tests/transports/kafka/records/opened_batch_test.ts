import { assert, assertEquals, assertRejects } from "@std/assert";
import { gzipSync } from "node:zlib";
import type { Bytes } from "../../../../src/core/event.ts";
import { LargeRecords } from "../../../../src/transports/kafka/records/large_records.ts";
import {
  type FetchedRecord,
  RecordBatch,
} from "../../../../src/transports/kafka/records/record_batch.ts";
import { compressLz4 } from "../../../../src/transports/kafka/records/compression/lz4_writer.ts";
import { compressSnappy } from "../../../../src/transports/kafka/records/compression/snappy.ts";
import { compressZstd } from "../../../../src/transports/kafka/records/compression/zstd.ts";
import { bytes } from "../../../support/events.ts";
import {
  batchBytes,
  type BatchFields,
  concat,
  recordBytes,
} from "../../../support/kafka/record_bytes.ts";

const MEBIBYTE = 1024 * 1024;

const CODECS: [name: string, compress: (bytes: Bytes) => Bytes | Promise<Bytes>][] = [
  ["none", (bytes) => bytes],
  ["gzip", (bytes) => new Uint8Array(gzipSync(bytes))],
  ["snappy", compressSnappy],
  ["lz4", compressLz4],
  ["zstd", compressZstd],
];

/** Large enough that its batch is not decompressed at once. */
const LARGE = recordBytes({ value: new Uint8Array(3 * MEBIBYTE), offsetDelta: 0 });

for (const [codec, [name, compress]] of CODECS.entries()) {
  const open = async (
    records: readonly Bytes[],
    { maxEventBytes = MEBIBYTE, ...fields }: BatchFields & { maxEventBytes?: number } = {},
  ) => {
    const compressed = await compress(concat(...records));
    const count = records.length;
    const batch = batchBytes([compressed], {
      attributes: codec,
      count,
      lastOffsetDelta: count - 1,
      ...fields,
    });
    return await new RecordBatch(batch).open({ maxEventBytes });
  };

  Deno.test(`OpenedBatch leaves out the values of large records alone, compressed by ${name}`, async () => {
    const large = new Uint8Array(60 * MEBIBYTE);
    const small = { key: bytes("key"), headers: [["name", bytes("text")]] } as const;
    const opened = await open([
      recordBytes({ ...small, value: bytes("first") }),
      recordBytes({ ...small, value: large, offsetDelta: 1 }),
      recordBytes({ ...small, value: bytes("third"), offsetDelta: 2 }),
      recordBytes({ ...small, value: large, offsetDelta: 3 }),
    ]);
    const records = await all(opened);
    assertEquals(records.map(({ offset }) => offset), [0, 1, 2, 3]);
    assertEquals(
      records.map(({ value }) => new TextDecoder().decode(value!)),
      ["first", "", "third", ""],
    );
    for (const { offset, key, headers, oversize } of records) {
      assertEquals(key && new Uint8Array(key), bytes("key"));
      assertEquals(headers.map(([name]) => name), ["name"]);
      assertEquals(oversize !== undefined, offset % 2 === 1);
      if (oversize === undefined) continue;
      assertEquals(oversize.maxBytes, MEBIBYTE);
      assert(oversize.bytes >= large.length && oversize.bytes < large.length + 100);
    }
  });

  Deno.test(`OpenedBatch reads records of all sizes up to the limit, compressed by ${name}`, async () => {
    const sizes = [0, 1, 60_000, 70_000, 3 * MEBIBYTE, 10, 4 * MEBIBYTE - 20, 100_000, 7];
    const written = sizes.map((size, offsetDelta) =>
      recordBytes({ value: new Uint8Array(size).fill(offsetDelta + 1), offsetDelta })
    );
    const records = await all(await open(written, { maxEventBytes: 4 * MEBIBYTE }));
    assertEquals(records.map(({ value }) => value?.length), sizes);
    for (const [index, { value, oversize }] of records.entries()) {
      assert(value!.every((byte) => byte === index + 1));
      assertEquals(oversize, undefined);
    }
  });

  Deno.test(`OpenedBatch reads many small records, compressed by ${name}`, async () => {
    const count = 400_000;
    const record = recordBytes({ value: bytes("12") });
    const size = record.length + 3;
    const written = new Uint8Array(count * size);
    let end = 0;
    for (let offsetDelta = 0; offsetDelta < count; offsetDelta++) {
      const each = recordBytes({ value: bytes("12"), offsetDelta });
      written.set(each, end);
      end += each.length;
    }
    const opened = await open([written.subarray(0, end)], { count, lastOffsetDelta: count - 1 });
    let read = 0;
    do {
      for (let next = opened.next(); !next.done; next = opened.next()) {
        assert(next.value.offset === read++);
      }
    } while (await opened.inflate?.());
    assertEquals(read, count);
  });

  for (
    const { what, records, fields, reason } of [
      {
        what: "holds fewer records than it says",
        records: [recordBytes({ offsetDelta: 1 })],
        fields: { count: 2, lastOffsetDelta: 5 },
      },
      {
        what: "holds more records than it says",
        records: [recordBytes({ offsetDelta: 1 }), recordBytes({ offsetDelta: 2 })],
        fields: { count: 1, lastOffsetDelta: 5 },
        reason: "the batch continues after its last record",
      },
      {
        what: "holds a record beyond its last offset",
        records: [recordBytes({ offsetDelta: 6 })],
        fields: { count: 1, lastOffsetDelta: 5 },
        reason: "a record of the batch has the offset of another record or batch",
      },
      {
        what: "holds a record before its first offset",
        records: [recordBytes({ offsetDelta: -1 })],
        fields: { count: 1, lastOffsetDelta: 5 },
        reason: "a record of the batch has the offset of another record or batch",
      },
      {
        what: "holds two records of one offset",
        records: [recordBytes({ offsetDelta: 1 }), recordBytes({ offsetDelta: 1 })],
        fields: { lastOffsetDelta: 5 },
        reason: "a record of the batch has the offset of another record or batch",
      },
      {
        what: "holds a record of a negative length",
        records: [Uint8Array.of(0x03, 0, 0, 0, 0)],
        fields: { lastOffsetDelta: 5 },
      },
    ]
  ) {
    // Behind a large record, it is read in pieces.
    for (const [where, before] of [["", []], [" in pieces", [LARGE]]] as const) {
      Deno.test(`OpenedBatch throws when a batch ${what}, compressed by ${name}${where}`, async () => {
        const opened = await open([...before, ...records], {
          ...fields,
          count: before.length + (fields.count ?? records.length),
        });
        await assertRejects(() => all(opened), RangeError, reason);
      });
    }
  }
}

Deno.test("OpenedBatch gives back the room of a large record that is not read any more", async () => {
  const records = new LargeRecords({ maxBufferedBytes: 4 * MEBIBYTE });
  const bytes = batchBytes([new Uint8Array(gzipSync(LARGE))], { attributes: 1, count: 1 });
  const open = () => new RecordBatch(bytes).open({ room: records.room() });
  const [read, waiting, last] = [await open(), await open(), await open()];
  assert(await read.inflate?.());
  const isRead = [waiting.inflate?.(), last.inflate?.()];

  waiting.close?.();
  read.close?.();
  assertEquals(await Promise.all(isRead), [false, true]);
  last.close?.();
});

async function all(
  opened: Awaited<ReturnType<RecordBatch["open"]>>,
): Promise<FetchedRecord[]> {
  const records: FetchedRecord[] = [];
  do {
    for (let next = opened.next(); !next.done; next = opened.next()) {
      records.push(next.value);
      next.value.held?.release();
    }
  } while (await opened.inflate?.());
  return records;
}
