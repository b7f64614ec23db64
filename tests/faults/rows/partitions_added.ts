import { BrokerAdmin } from "../broker_admin.ts";
import type { Row } from "../row.ts";

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
    await world.finishFlow();
    await world.settle();
    const assigned = members.flatMap((member) => member.lastMatch(/partitions ([\d, ]+) of /)?.[1]);
    const found = assigned.join(", ").split(", ").map(Number).toSorted((a, b) => a - b);
    if (found.join() !== Array.from({ length: count }, (_, partition) => partition).join()) {
      world.finding(`the members share partitions ${found} instead of all ${count}`);
    }
    await Promise.all(holdNoMore.map((holdsNoMore) => holdsNoMore()));
  },
};
