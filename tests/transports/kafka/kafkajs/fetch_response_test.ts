import { assert, assertEquals, assertObjectMatch, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import MessageSet from "kafkajs/src/protocol/messageSet/index.js";
import Requests from "kafkajs/src/protocol/requests/index.js";
import type { Bytes } from "../../../../src/core/event.ts";
import { fetchingBatches } from "../../../../src/transports/kafka/kafkajs/fetch_response.ts";
import { DECODER } from "../../../../src/transports/kafka/kafkajs/decoder.ts";
import { replaceMembers } from "../../../../src/transports/kafka/kafkajs/replacement.ts";
import { bytes } from "../../../support/events.ts";
import {
  batch,
  decodeResponse,
  fetch,
  handedOn,
  partitionsOf,
  recordsOf,
  responseBytes,
  valuesOf,
} from "../../../support/kafka/fetch_responses.ts";
import {
  batchBytes,
  concat,
  markerBytes,
  recordBytes,
  sealed,
} from "../../../support/kafka/record_bytes.ts";
import { seededRandom } from "../../../support/seeded_random.ts";

const VERSIONS = [4, 5, 6, 7, 8, 9, 10, 11];
const TRANSACTIONAL = 0x10;
const MUTATIONS = 2000;

const asKafkajsHasIt = Requests.requests.Fetch.protocol;
replaceMembers([DECODER]);

for (const version of VERSIONS) {
  Deno.test(`a fetch response of version ${version} says what kafkajs reads in it, besides records and aborted transactions`, async () => {
    const topics = {
      FIRST: [
        { records: twoBatches(), aborted: [{ producerId: 2 ** 40, firstOffset: 5 }] },
        { records: null, errorCode: 6 },
      ],
      SECOND: [{ records: new Uint8Array() }],
    };
    const response = responseBytes(topics, { version });
    const { response: { decode } } = asKafkajsHasIt({ version })({});
    const expected = await decode(response);
    assertObjectMatch(
      withoutMessages({ clientSideThrottleTime: 0, errorCode: 0, ...expected }),
      withoutMessages(await decodeResponse(response, version)),
    );
  });

  Deno.test(`a fetch response of version ${version} holds batches as they came`, async () => {
    const response = responseBytes({ T: [{ records: twoBatches() }] }, { version });
    const [partition] = await partitionsOf(response, version);
    assertEquals(partition?.messages.map(({ lastOffset }) => lastOffset), [6, 9]);
    assertEquals(await valuesOf(partition?.messages), ["5 a", "6 b", "7 c"]);
  });
}

Deno.test("a fetch response of a version before record batches is not asked for", () => {
  const broker = {
    lookupRequest: () => asKafkajsHasIt({ version: 3 }),
    fetch(): unknown {
      return this.lookupRequest()({});
    },
  };
  assertThrows(() => fetchingBatches(broker).fetch(), Error, "older than Kafka 0.11");
});

Deno.test("a fetch response leaves out the batch that was cut off, wherever that was", async () => {
  const whole = twoBatches();
  const first = whole.readInt32BE(8) + 12;
  for (let length = first; length < whole.length; length++) {
    const [partition] = await fetch({ records: whole.subarray(0, length) });
    assertEquals(await valuesOf(partition?.messages), ["5 a", "6 b"], `${length} bytes`);
    assertEquals(partition?.unreadable, null);
  }
});

Deno.test("a fetch response says so, when not even its first batch is whole", async () => {
  const whole = twoBatches();
  const first = whole.readInt32BE(8) + 12;
  for (let length = 1; length < first; length++) {
    const [partition] = await fetch({ records: whole.subarray(0, length) });
    assertEquals(partition?.messages, [], `${length} bytes`);
    const size = length < 12 ? "" : ` of ${first}`;
    const reason = `the broker sent ${length}${size} bytes of the first batch and no more`;
    assertEquals(partition?.unreadable, { offset: undefined, reason });
  }
});

for (const { what, damage, reason } of damagedBatches()) {
  Deno.test(`a fetch response holds what comes before ${what}, and says from where it cannot be read`, async () => {
    const good = batch("good", { baseOffset: 5 });
    const damaged = damage(batch("x", { baseOffset: 6 }));
    const [first, second] = await partitionsOf(
      responseBytes({ T: [{ records: concat(good, damaged) }, { records: good }] }, {
        version: 11,
      }),
      11,
    );
    assertEquals(await valuesOf(first?.messages), ["5 good"]);
    assertEquals(first?.unreadable, { offset: 6, reason });
    assertEquals(await valuesOf(second?.messages), ["5 good"]);
    assertEquals(second?.unreadable, null);
  });
}

function damagedBatches(): {
  what: string;
  damage: (batch: Buffer<ArrayBuffer>) => Buffer<ArrayBuffer>;
  reason: string;
}[] {
  const changed =
    (change: (batch: Buffer<ArrayBuffer>) => unknown) => (batch: Buffer<ArrayBuffer>) => {
      change(batch);
      return sealed(batch);
    };
  const tooShort = (length: number) =>
    `the broker sent a batch of ${length} bytes, less than its own fields take`;
  return [
    ...[0, 1, 48, -1, -12, -(2 ** 31)].map((length) => ({
      what: `a batch that says its length is ${length}`,
      damage: changed((batch) => batch.writeInt32BE(length, 8)),
      reason: tooShort(length + 12),
    })),
    ...[-1, 3, 7].map((magic) => ({
      what: `a batch of the format ${magic}`,
      damage: changed((batch) => batch.writeInt8(magic, 16)),
      reason: `the broker sent a batch of the unknown format ${magic}`,
    })),
    {
      what: "a batch of which one bit is another",
      damage: (batch) => {
        batch[batch.length - 2]! ^= 0x10;
        return batch;
      },
      reason: "the checksum of a batch does not match its bytes",
    },
    {
      what: "a batch at a negative offset",
      damage: changed((batch) => batch.writeBigInt64BE(-6n, 0)),
      reason: "the broker sent a batch from offset -6 to -6",
    },
    {
      what: "a batch that ends before it begins",
      damage: changed((batch) => batch.writeInt32BE(-2, 23)),
      reason: "the broker sent a batch from offset 6 to 4",
    },
    {
      what: "a batch of a negative number of records",
      damage: changed((batch) => batch.writeInt32BE(-1, 57)),
      reason: "the broker sent a batch of -1 records for 1 offsets",
    },
    {
      what: "a batch of more records than offsets",
      damage: changed((batch) => batch.writeInt32BE(2, 57)),
      reason: "the broker sent a batch of 2 records for 1 offsets",
    },
    {
      what: "a batch that begins where the one before it has not ended",
      damage: changed((batch) => batch.writeBigInt64BE(5n, 0)),
      reason: "the broker sent offset 5 after 5",
    },
    {
      what: "a message of an old format with a wrong checksum",
      damage: (batch) => {
        batch.writeInt8(1, 16);
        return batch;
      },
      reason: "the checksum of a batch does not match its bytes",
    },
    {
      what: "a message of an old format that cannot be decoded",
      damage: (batch) => {
        batch.writeInt8(1, 16);
        batch.writeInt32BE(1000, 26);
        batch.writeUInt32BE(crc32(batch.subarray(16)), 12);
        return batch;
      },
      reason: "the broker sent a message of an old format that cannot be decoded: " +
        "a response ends before its fields do",
    },
  ];
}

Deno.test("a fetch response has no records, when there are none", async () => {
  for (const records of [null, new Uint8Array()]) {
    const [partition] = await fetch({ records });
    assertEquals(partition?.messages, []);
  }
});

Deno.test("a fetch response does not stay in memory for a partition's records", async () => {
  const response = responseBytes({ T: [{ records: twoBatches() }] }, { version: 11 });
  const [partition] = await partitionsOf(response, 11);
  response.fill(0);
  assertEquals(await valuesOf(partition?.messages), ["5 a", "6 b", "7 c"]);
});

Deno.test("a partition goes on behind a batch that ends in a gap", async () => {
  const [partition] = await fetch({ records: batch("a", { baseOffset: 5, lastOffsetDelta: 9 }) });
  assertEquals((await handedOn(partition, 5)).lastOffset, 14);
});

Deno.test("a partition is handed no control records, and goes on behind them", async () => {
  const [partition] = await fetch({
    records: concat(
      batch("a", { baseOffset: 5, producerId: 1, attributes: TRANSACTIONAL }),
      markerBytes({ offset: 6, producerId: 1, isAbort: false }),
    ),
  });
  assertEquals(await handedOn(partition, 5), { values: ["5 a"], lastOffset: 6 });
});

Deno.test("a partition is handed nothing of transactions that were aborted, and all of others", async () => {
  const ofProducer = (producerId: number) => ({ producerId, attributes: TRANSACTIONAL });
  const [partition] = await fetch({
    aborted: [{ producerId: 1, firstOffset: 10 }, { producerId: 2, firstOffset: 11 }],
    records: concat(
      batch("aborted", { baseOffset: 10, ...ofProducer(1) }),
      batch("aborted", { baseOffset: 11, ...ofProducer(2) }),
      batch("committed", { baseOffset: 12, ...ofProducer(3) }),
      batch("plain", { baseOffset: 13, producerId: 1 }),
      batch("aborted", { baseOffset: 14, ...ofProducer(1) }),
      markerBytes({ offset: 15, producerId: 1, isAbort: true }),
      batch("committed", { baseOffset: 16, ...ofProducer(1) }),
      batch("aborted", { baseOffset: 17, ...ofProducer(2) }),
      markerBytes({ offset: 18, producerId: 2, isAbort: true }),
    ),
  });
  assertEquals(await handedOn(partition, 10), {
    values: ["12 committed", "13 plain", "16 committed"],
    lastOffset: 18,
  });
});

Deno.test("a fetch response holds messages of the formats before record batches", async (t) => {
  for (const messageVersion of [0, 1]) {
    for (const compression of [0, 1]) {
      await t.step(`version ${messageVersion}, ${compression ? "gzip" : "plain"}`, async () => {
        const [partition] = await fetch({
          records: await oldMessages({ messageVersion, compression }),
        });
        const messages = partition?.messages ?? [];
        assertEquals(messages.map(({ lastOffset }) => lastOffset), [7, 8, 9]);
        const timestampMs = messageVersion === 0 ? -1 : 1652708532000;
        assertEquals(await recordsOf(messages), [
          { offset: 7, timestampMs, key: bytes("key"), value: bytes("value"), headers: [] },
          { offset: 8, timestampMs, key: null, value: bytes(""), headers: [] },
          { offset: 9, timestampMs, key: bytes(""), value: null, headers: [] },
        ]);
        assertEquals(messages[0]?.sizeInBytes, 8);
        assertEquals((await handedOn(partition, 8)).lastOffset, 9);
      });
    }
  }
});

Deno.test("a fetch response ends with an error or at its last record, however it is damaged", async () => {
  const random = seededRandom(1);
  const below = (limit: number) => Math.floor(random() * limit);
  const old = await oldMessages({ messageVersion: 1, compression: 0 });
  const aborted = [{ producerId: 1, firstOffset: 5 }];
  const whole = responseBytes({
    T: [{ records: concat(twoBatches(), twoBatches()), aborted }, { records: old }],
  }, { version: 11 });
  let damagedCount = 0;
  for (let mutation = 0; mutation < MUTATIONS; mutation++) {
    const damaged = Buffer.from(whole);
    for (let changes = 1 + below(4); changes > 0; changes--) {
      damaged[below(damaged.length)] = below(256);
    }
    const cut = damaged.subarray(0, random() < 0.5 ? damaged.length : below(damaged.length + 1));
    try {
      for (const { messages, unreadable } of await partitionsOf(cut, 11)) {
        if (unreadable !== null) damagedCount++;
        await recordsOf(messages);
      }
    } catch (error) {
      assert(error instanceof Error, `mutation ${mutation}: ${error}`);
      damagedCount++;
    }
  }
  assert(damagedCount > MUTATIONS / 10, `only ${damagedCount} were found to be damaged`);
});

/** `a` and `b` at 5 and 6, then `c` at 7 with a gap behind it up to 9. */
function twoBatches(): Buffer<ArrayBuffer> {
  const records = [
    recordBytes({ value: bytes("a") }),
    recordBytes({ offsetDelta: 1, value: bytes("b") }),
  ];
  const gap = batch("c", { baseOffset: 7, lastOffsetDelta: 2 });
  return Buffer.from(concat(batchBytes(records, { baseOffset: 5 }), gap).buffer);
}

/** Three messages at 7, 8 and 9 as kafkajs wrote them for brokers before 0.11. */
async function oldMessages(
  { messageVersion, compression }: { messageVersion: number; compression: number },
): Promise<Buffer<ArrayBuffer>> {
  const entries = [
    { key: Buffer.from("key"), value: Buffer.from("value") },
    { key: null, value: Buffer.alloc(0) },
    { key: Buffer.alloc(0), value: null },
  ].map((entry) => ({ ...entry, timestamp: 1652708532000 }));
  const plain = MessageSet({ messageVersion, entries, compression: 0 }).buffer;
  if (compression === 0) return withOffsets(plain, [7, 8, 9]);
  const inner = withOffsets(plain, messageVersion === 0 ? [7, 8, 9] : [0, 1, 2]);
  const wrapper = { compression, value: await gzip(inner), timestamp: 1652708532000 };
  return withOffsets(
    MessageSet({ messageVersion, entries: [wrapper], compression: 0 }).buffer,
    [9],
  );
}

/** Brokers set the offsets of messages. */
function withOffsets(messages: Buffer<ArrayBuffer>, offsets: readonly number[]) {
  let position = 0;
  for (const offset of offsets) {
    messages.writeBigInt64BE(BigInt(offset), position);
    position += 12 + messages.readInt32BE(position + 8);
  }
  return messages;
}

async function gzip(bytes: Bytes): Promise<Buffer> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return Buffer.from(await new Response(stream).arrayBuffer());
}

function withoutMessages<Response extends { responses: { partitions: object[] }[] }>(
  { responses, ...rest }: Response,
) {
  return {
    ...rest,
    responses: responses.map(({ partitions, ...rest }) => ({
      ...rest,
      partitions: partitions.map((partition) => ({
        ...partition,
        messages: null,
        unreadable: null,
      })),
    })),
  };
}
