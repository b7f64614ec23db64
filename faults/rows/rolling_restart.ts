import { clusterOf } from "../cluster.ts";
import type { Row } from "../row.ts";

/** Every broker in turn, as for an upgrade. */
export const rollingRestart: Row = {
  number: 7,
  fault: "the brokers of a cluster are restarted one after the other",
  short: null,
  long: { events: 150_000, perSecond: 1500, faults: 6, brokers: 3 },
  // What is under way to a broker that ends may be stored without an answer; each leads a third of the partitions.
  limits: (world) => ({ duplicates: world.lookahead(world.size.faults) / 3, stallMs: 15_000 }),
  async run(world) {
    await world.endpoint.behave([{ latencyMs: [0, 20] }]);
    const cluster = clusterOf(world);
    world.start();
    world.flow();
    for await (const number of world.faultMoments()) {
      const id = number % cluster.brokers.length + 1;
      await world.fault(`restart of broker ${id}`, async () => {
        await cluster.broker(id).restart();
        await cluster.inSync(world.topics.results);
      });
    }
    await world.finishFlow();
  },
};
