import { eventually } from "../../tests/support/eventually.ts";
import { BrokerAdmin } from "../broker_admin.ts";
import type { Row } from "../row.ts";

const TAKEN_UP_DEADLINE_MS = 20_000;

/** Eventor learns of new partitions when it looks up the topic again. By then there are events in them. */
export const partitionsAdded: Row = {
  number: 11,
  fault: "the topic gets twice as many partitions",
  short: { events: 6000, perSecond: 1000, faults: 1 },
  long: { events: 100_000, perSecond: 2000, faults: 1 },
  // Each member gives up what it has for a moment, but finishes before what it has begun.
  limits: () => ({ duplicates: 0, stallMs: 10_000 }),
  async run(world) {
    await world.endpoint.behave([{ latencyMs: [0, 20] }]);
    const consumerConfig = { "metadata.max.age.ms": 2000 };
    const members = [1, 2].map(() => world.start({ pipeline: { consumerConfig } }));
    world.flow();
    const holdNoMore = await Promise.all(members.map((member) => world.holdings(member)));
    const count = 2 * world.partitions;
    for await (const _ of world.faultMoments()) {
      await world.fault(`${world.partitions} more partitions`, async () => {
        await new BrokerAdmin(world.broker.bootstrapServer).addPartitions(
          world.topics.events,
          count,
        );
      });
      await world.usePartitions(count);
    }
    const shared = () => {
      const lines = members.map((member) =>
        member.lastMatch(/partitions ([-\d, ]+) of /)?.[1] ?? ""
      );
      return lines.flatMap(partitionsIn).toSorted((a, b) => a - b).join();
    };
    const all = Array.from({ length: count }, (_, partition) => partition).join();
    // Before the flow ends, so that there are events in the new ones however late they came.
    await eventually(() => shared() === all, {
      deadlineMs: TAKEN_UP_DEADLINE_MS,
      what: () => `members that share all ${count} partitions, found ${shared()}`,
    });
    await world.finishFlow();
    await world.settle();
    await Promise.all(holdNoMore.map((holdsNoMore) => holdsNoMore()));
  },
};

/** The partitions of a log line such as `0-2, 5`. */
function partitionsIn(text: string): readonly number[] {
  return text.split(", ").filter((range) => range !== "").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
