import { eventually } from "../../tests/support/eventually.ts";
import { BrokerAdmin } from "../broker_admin.ts";
import { clusterOf } from "../cluster.ts";
import type { Row } from "../row.ts";

/** Another broker is to be asked for all partitions, while the one before still runs. */
export const leaderMoved: Row = {
  number: 8,
  fault: "all partitions get other leaders",
  short: null,
  long: { events: 150_000, perSecond: 2000, faults: 10, brokers: 3 },
  // What is under way to a leader that has just been replaced may be stored without an answer.
  limits: (world) => ({ duplicates: world.lookahead(world.size.faults), stallMs: 5000 }),
  async run(world) {
    await world.endpoint.behave([{ latencyMs: [0, 20] }]);
    const cluster = clusterOf(world);
    const { events, results } = world.topics;
    const admin = new BrokerAdmin(cluster.bootstrapServer);
    const leaders = async () => (await admin.replicas([events])).map(({ leader }) => leader).join();
    const member = world.start();
    world.flow();
    for await (const _ of world.faultMoments()) {
      const before = await leaders();
      await world.fault("leaders moved", async () => {
        await Promise.all([events, results].map((topic) => admin.moveLeaders(topic)));
      });
      await eventually(async () => await leaders() !== before, {
        deadlineMs: 10_000,
        what: () => `other leaders than ${before}`,
      });
    }
    await world.finishFlow();
    await world.settle();
    const joined = member.count(/joined group/);
    if (joined !== 1) world.finding(`it has joined the group ${joined} times instead of once`);
  },
};
