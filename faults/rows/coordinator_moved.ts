import { setTimeout as sleep } from "node:timers/promises";
import { BrokerAdmin } from "../broker_admin.ts";
import { clusterOf } from "../cluster.ts";
import type { Row } from "../row.ts";

/** The broker that knows what the group has committed goes; another one takes over. */
export const coordinatorMoved: Row = {
  number: 9,
  fault: "the broker that coordinates the group is killed",
  short: null,
  long: { events: 100_000, perSecond: 1500, faults: 3, faultMs: 8000, brokers: 3 },
  limits: (world) => ({ duplicates: world.lookahead(world.size.faults), stallMs: 20_000 }),
  async run(world) {
    await world.endpoint.behave([{ latencyMs: [0, 20] }]);
    const cluster = clusterOf(world);
    const admin = new BrokerAdmin(cluster.bootstrapServer);
    const member = world.start();
    world.flow();
    const holdsNoMore = await world.holdings(member);
    for await (const _ of world.faultMoments()) {
      const id = await admin.coordinator(world.topics.group);
      await world.fault(`coordinator ${id} killed`, async () => {
        await cluster.broker(id).kill();
      });
      // Goes on while the broker is away.
      await world.progress();
      await sleep(world.size.faultMs);
      const next = await admin.coordinator(world.topics.group);
      if (next === id) world.finding(`the group is still coordinated by ${id}`);
      await cluster.broker(id).restart();
      await cluster.inSync(world.topics.results);
    }
    await world.finishFlow();
    await world.settle();
    const stopped = member.count(/pipeline '.*' stopped/);
    if (stopped > 0) world.finding(`the pipeline stopped ${stopped} times instead of going on`);
    await holdsNoMore();
  },
};
