import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { eventually } from "../../../support/eventually.ts";
import type { PartitionPart } from "../../../support/kafka/changed_fetch.ts";
import { FetchProxy } from "../../../support/kafka/fetch_proxy.ts";
import { freshName, freshTopic, produce, testBroker } from "../../../support/kafka/broker.ts";
import { KafkaListening } from "../../../support/kafka/listening.ts";
import { sealed } from "../../../support/kafka/record_bytes.ts";

/** How many fetches there may be in the seconds for which a test lasts: those that wait for records count as well. */
const MAX_FETCHES = 150;

const CASES: {
  what: string;
  damage: (part: PartitionPart) => void;
  reason: string;
  /** Whether the same bytes would be damaged when they come again. */
  isFinal?: boolean;
}[] = [
  {
    what: "a batch longer than the answer",
    damage: changed((records) => records.writeInt32BE(1_000_000, 8)),
    reason: "the broker sent \\d+ of 1000012 bytes of the first batch and no more",
  },
  {
    what: "a batch that is cut off",
    damage: (part) => part.records = part.records.subarray(0, 40),
    reason: "the broker sent \\d+( of \\d+)? bytes of the first batch and no more",
  },
  {
    what: "a batch of the format -1",
    damage: changed((records) => records.writeInt8(-1, 16)),
    reason: "the broker sent a batch of the unknown format -1",
  },
  {
    what: "a bit that is another",
    damage: changed((records) => records[70]! ^= 1),
    reason: "the checksum of a batch does not match its bytes",
  },
  {
    what: "another partition",
    damage: (part) => part.partition = 17,
    reason: "its broker's response does not contain it",
  },
  {
    what: "no records, without waiting",
    damage: (part) => part.records = Buffer.alloc(0),
    reason: "its broker has records up to offset 3 and sends none",
  },
  {
    what: "fewer records than there are",
    damage: changed((records) => sealed(records.fill(1, 60, 61))),
    reason: "the batch continues after its last record; to skip the events up to offset 2",
    isFinal: true,
  },
];

for (const { what, damage, reason, isFinal = false } of CASES) {
  Deno.test(`KafkaListener says what it cannot read and from where, and reads on in other partitions, when a broker sends ${what}`, async () => {
    await using proxy = await FetchProxy.start(testBroker());
    const topic = await freshTopic("damaged", { partitions: 2 });
    await produce(topic, ["a", "b", "c"].map((value) => ({ value, partition: 0 })));
    proxy.change = (part) => {
      if (part.partition === 0 && part.records.length > 0) damage(part);
    };
    await using listening = await KafkaListening.open({
      topic,
      group: freshName("damaged"),
      keys: { "bootstrap.servers": proxy.address },
    });
    await listening.log.line(new RegExp(`cannot read ${topic}\\[0\\]@\\d: ${reason}`));
    const [told] = listening.health.reasons();
    assert(told !== undefined && new RegExp(reason).test(told), `${told}`);

    const { fetches } = proxy;
    const ofOther = () => listening.values.filter((value) => value.startsWith("healthy")).length;
    for (let event = 1; event <= 10; event++) {
      await produce(topic, [{ value: `healthy ${event}`, partition: 1 }]);
      await eventually(() => ofOther() === event, { what: () => `${event}, found ${ofOther()}` });
    }
    assert(proxy.fetches - fetches < MAX_FETCHES, `${proxy.fetches - fetches} fetches`);

    if (isFinal) return;
    proxy.change = null;
    await eventually(() => listening.values.length === 13, {
      deadlineMs: 40_000,
      what: () => `all, found ${listening.values}`,
    });
    assertEquals(listening.values.filter((value) => value.length === 1), ["a", "b", "c"]);
    await eventually(() => listening.health.reasons().length === 0, { what: "readiness" });
  });
}

function changed(change: (records: Buffer) => unknown): (part: PartitionPart) => void {
  return ({ records }) => void change(records);
}
